"""The editions of Wikipedia and the metadata languages that take their entries (metadata/README.md)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from metaclip_curate.errors import UserError
from metaclip_curate.language import OTHER, read_languages

ENGLISH = "en"
SIMPLE = "simple"
# Editions whose host name isn't the code with "-" for "_".
_ADDRESSES = {"be_x_old": ("be-tarask", "be-x-old")}


@dataclass(frozen=True)
class Edition:
    """An edition of Wikipedia.

    Attributes:
        code: Code of the edition, as in the names of its dumps.
        name: English name of the language.
        without_spaces: Whether the language is written without spaces between words.
        wordnet: Code of its wordnet in Open Multilingual WordNet; empty if it has none.
        language: Metadata language whose list takes the entries.
    """

    code: str
    name: str
    without_spaces: bool
    wordnet: str
    language: str

    @property
    def wiki(self) -> str:
        """The name with which its dumps begin."""
        return f"{self.code}wiki"

    @property
    def desktop_codes(self) -> tuple[str, ...]:
        """Codes of its desktop site in pageviews files: two for a Wikipedia that was renamed."""
        return _ADDRESSES.get(self.code, (self.code.replace("_", "-"),))

    @property
    def page_view_codes(self) -> tuple[str, ...]:
        """Codes of its sites in pageviews files: desktop, mobile, and Wikipedia Zero, which ended in 2018.

        Wikipedia's codes have no suffix for the project: `de.m` is its mobile site, `de.b` is Wikibooks, `de.m.d` the
        mobile site of Wiktionary, and `commons.m` isn't a language. Source:
        https://wikitech.wikimedia.org/wiki/Data_Platform/Data_Lake/Traffic/Pageviews
        """
        return tuple(code + site for code in self.desktop_codes for site in ("", ".m", ".zero"))


@lru_cache(maxsize=2)
def all_editions(with_simple: bool = False) -> tuple[Edition, ...]:
    """Returns every edition in languages.csv, in its order.

    Args:
        with_simple: Whether the Simple English Wikipedia belongs to English. Default: it belongs to `other`.
    """
    editions = (
        Edition(row.code, row.name, row.without_spaces, row.wordnet, row.metadata_language) for row in read_languages()
    )
    return tuple(
        replace(edition, language=ENGLISH) if with_simple and edition.code == SIMPLE else edition
        for edition in editions
    )


def editions_of(language: str, with_simple: bool = False) -> tuple[Edition, ...]:
    """Returns the editions whose entries make up a language's list: its own first, then those merged into it.

    Args:
        language: A metadata language.
        with_simple: As for `all_editions`.

    Raises:
        UserError: There is no such language, or it has no list of its own.
    """
    found = [edition for edition in all_editions(with_simple) if edition.language == language]
    if not found:
        raise UserError(_no_such_language(language))
    return tuple(sorted(found, key=lambda edition: (edition.code != language, edition.code)))


def has_wordnet(language: str) -> bool:
    """Returns whether Open Multilingual WordNet has a wordnet of a metadata language."""
    return any(edition.wordnet for edition in editions_of(language))


def check_languages(languages: Iterable[str], option: str = "--languages") -> list[str]:
    """Checks languages and returns each once, in the given order.

    Args:
        languages: The languages.
        option: Option that names them, for messages.

    Raises:
        UserError: No language is given, or one is unknown.
    """
    chosen = list(dict.fromkeys(languages))
    if not chosen:
        raise UserError("--languages is missing: name a language by its Wikipedia's code, `--languages de`")
    for language in chosen:
        if not any(edition.language == language for edition in all_editions()):
            raise UserError(_no_such_language(language, option))
    return chosen


def _no_such_language(language: str, option: str = "--languages") -> str:
    if language == "all":
        return f"{option} all isn't a language: `metadata build` takes it alone, other commands need names"
    for edition in all_editions():
        if language == edition.code:
            return (
                f"{language} ({edition.name}) has no list of its own: its entries go into {edition.language}; "
                f"give {option} {edition.language}"
            )
    names = {edition.name.lower(): edition for edition in all_editions()}
    codes = {edition.code: edition for edition in all_editions()}
    code = language.lower().replace("-", "_")
    near = [codes[code]] if code in codes else []
    near += [names[name] for name in difflib.get_close_matches(language.lower(), names, 2)]
    near += [codes[match] for match in difflib.get_close_matches(code, codes, 4, 0.5)]
    shown = [f"{edition.code} ({edition.name})" for edition in dict.fromkeys(near)][:4]
    verb = "are" if len(shown) > 1 else "is"
    remedy = f"near it {verb} {', '.join(shown)}" if shown else f"metadata/README.md lists them; {OTHER} is the rest"
    return f"there is no Wikipedia with the code {language}: {remedy}"
