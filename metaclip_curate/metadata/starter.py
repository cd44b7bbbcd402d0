"""A starter set of metadata from word frequencies, made in seconds: to try the pipeline, not to curate with.

It is not the Wikipedia metadata of spec section 3: only single words, no phrases, no titles, no WordNet.

Where the words come from: PyPI's wordfreq (Speer, https://github.com/rspeer/wordfreq; data CC BY-SA 4.0), 42 word lists with
about 10,000 to 30,000 words that are used at least once in a million, and lists written for this project, which ship in
metadata/starter/ (Thai, which wordfreq lacks, and German words with ß, which wordfreq writes with ss).

A list holds, in this order and without repeats: the numbers 0 to 99; the words of wordfreq by falling frequency; the
words written for this project. Dropped are

- words with a digit (wordfreq writes 0 for the digits of long numbers) and those without a letter;
- words with one of , . ; : ? ! ` which a text sets apart with spaces, so that the word could not match (spec section 2);
- words of one character (a, I, y, も), except Han characters and Hangul syllables, which are words or meaningful parts of
  them. A letter says nothing about a picture, and in Japanese a kana would match inside nearly every word.

Matching is case-sensitive and wordfreq is case-folded, so in scripts with case each word is followed by the other forms in
which it is written: with a capital (Berlin; German nouns; titles and the starts of sentences), and for words of at most four
characters all in capitals (acronyms and logos: USA, BMW, LOGO). Of 2,119 different English texts of Common Crawl pages 60 % match as
folded, 83 % with capitals, 84.5 % with short words in capitals, 84.9 % with every word in capitals, which is not worth half as many
entries again. Some forms exist in no text (usa, Bmw); they cost an entry that never matches. What is particular:

- Turkish i and ı: the capitals are İ and I (Unicode SpecialCasing.txt), so istanbul gives İstanbul and İSTANBUL.
- Dutch ij at the start is one letter: ijs gives IJs.
- Greek: case folding made σ of the final ς; it is put back (τησ becomes της). All in capitals has no accents (Ελλάδα, ΕΛΛΑΔΑ).
- Romanian: wordfreq writes ș and ț; the older ş and ţ of many pages are added.
- German: ß in the list written for this project; all in capitals it is SS.

wordfreq has one list for Bosnian, Croatian and Serbian (sh, in Latin letters): it makes bs, hr, sh, and sr in Cyrillic and Latin
letters. Chinese is in simplified characters only. Each file is named by the Wikipedia's code: no for wordfreq's nb, tl for fil.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import json
import os
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.folder import MetadataFolder

DEFAULT_LIMIT = 20_000
LONGEST_ACRONYM = 4
NUMBERS = tuple(str(number) for number in range(100))
SHIPPED_LISTS = Path(__file__).parent / "data" / "starter"
SOURCES_FILE = "sources.json"
KIND = "metaclip-curate starter"
WORDFREQ_LICENCE = "CC BY-SA 4.0"
SHIPPED_LICENCE = "Apache-2.0"

# Wikipedia code to wordfreq code where they differ.
_WORDFREQ_CODES = {"no": "nb", "tl": "fil", "bs": "sh", "hr": "sh", "sr": "sh"}
_TEXT_MARKS = frozenset(",.;:?!`")
# Apostrophes, quotation marks inside Hebrew abbreviations, hyphen, middle dots, zero-width joiners.
_INSIDE_WORDS = frozenset("'\u2019\"\u05f3\u05f4-\u00b7\u30fb\u200c\u200d")
_SOFT_HYPHEN = "\u00ad"
_ACUTE = "\u0301"

_SERBIAN_DIGRAPHS = (("dž", "џ"), ("lj", "љ"), ("nj", "њ"))
_SERBIAN_LETTERS = dict(zip("abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш", strict=True))


@dataclass(frozen=True)
class StarterSummary:
    """What was written.

    Attributes:
        path: the metadata folder.
        entries: language to number of entries, sorted by language.
    """

    path: Path
    entries: Mapping[str, int]


def build_starter(
    out_dir: str | Path,
    languages: Iterable[str] | None = None,
    limit: int = DEFAULT_LIMIT,
) -> StarterSummary:
    """Writes a metadata folder of starter lists: `<lang>.txt` for each language, and sources.json.

    The same packages and options give the same bytes. Each file is written under another name and then renamed;
    sources.json is the last, so a folder that has it is complete. The lists of a former starter set are replaced.

    Args:
        out_dir: a folder that is absent, empty, or holds a former starter set.
        languages: Wikipedia codes; None is every language that there is a list for.
        limit: at most so many words of wordfreq a language, before their forms in capitals are added.

    Raises:
        UserError: wordfreq is not installed, a language has no list, the limit is below 1, or the folder holds
            something else or can't be written.
    """
    if limit < 1:
        raise UserError(f"The limit of words a language is {limit}; give 1 or more.")
    wordfreq = _import_wordfreq()
    chosen = _choose(languages, available_languages())
    folder = Path(out_dir)
    try:
        former = _former_files(folder)
        folder.mkdir(parents=True, exist_ok=True)
        sources: dict[str, dict[str, Any]] = {}
        for language in chosen:
            entries, origins = _entries(language, limit, wordfreq)
            data = "".join(f"{entry}\n" for entry in entries).encode()
            _write_atomically(folder / f"{language}.txt", data)
            sources[language] = {
                "file": f"{language}.txt",
                "entries": len(entries),
                "sha256": hashlib.sha256(data).hexdigest(),
                "sources": origins,
            }
        for name in former - {f"{language}.txt" for language in chosen}:
            (folder / name).unlink(missing_ok=True)
        document = {
            "kind": KIND,
            "warning": "Word lists to try the pipeline with, not the Wikipedia metadata of MetaCLIP 2.",
            "limit": limit,
            "languages": sources,
        }
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        _write_atomically(folder / SOURCES_FILE, text.encode())
    except OSError as error:
        raise UserError(
            f"The starter set cannot be written to {folder} ({error.strerror}); name a writable folder."
        ) from error
    return StarterSummary(folder, {language: item["entries"] for language, item in sources.items()})


def available_languages() -> list[str]:
    """The Wikipedia codes that a starter list can be made for, sorted.

    Raises:
        UserError: wordfreq is not installed.
    """
    codes = set(_import_wordfreq().available_languages()) - {"nb", "fil"}
    return sorted(codes | set(_WORDFREQ_CODES) | set(MetadataFolder.open(SHIPPED_LISTS).languages))


def forms(word: str, language: str) -> list[str]:
    """The forms in which a case-folded word is written: as it is, with a capital, and if short all in capitals.

    Args:
        word: a word of one character or more.
        language: its Wikipedia code, for the rules that the module's description lists.

    Returns:
        One to three different forms, or twice as many where a language spells a word in two ways.
    """
    found: list[str] = []
    for spelling in _spellings(word, language):
        found += [spelling, _capitalised(spelling, language)]
        if len(spelling) <= LONGEST_ACRONYM:
            found.append(_upper(spelling, language))
    return list(dict.fromkeys(found))


def is_usable(word: str) -> bool:
    """Whether a word may become an entry: the rules of the module's description, without those about case."""
    if len(word) == 1:
        return _stands_alone(word)
    has_letter = False
    for character in word:
        category = unicodedata.category(character)
        if character in _TEXT_MARKS or category[0] not in "LM" and character not in _INSIDE_WORDS:
            return False
        has_letter = has_letter or category[0] == "L"
    return has_letter


def serbian_cyrillic(word: str) -> str | None:
    """A small Latin Serbian word in Cyrillic letters, or None where a letter has no counterpart (q, w, x, y).

    dž, lj and nj are read as one letter, which is wrong in a few words (nadživeti, injekcija).
    """
    for latin, cyrillic in _SERBIAN_DIGRAPHS:
        word = word.replace(latin, cyrillic)
    letters = [_SERBIAN_LETTERS.get(letter, letter) for letter in word]
    return None if any(letter.isascii() and letter.isalpha() for letter in letters) else "".join(letters)


def _import_wordfreq() -> Any:
    try:
        return importlib.import_module("wordfreq")
    except ImportError as error:
        raise UserError(
            "The starter set is made from the package wordfreq, which is not installed; run "
            "`pip install 'metaclip-curate[starter]'`."
        ) from error


def _choose(languages: Iterable[str] | None, available: list[str]) -> list[str]:
    if languages is None:
        return available
    chosen = sorted(set(languages))
    unknown = [language for language in chosen if language not in available]
    if unknown:
        raise UserError(
            f"There is no starter list for {', '.join(unknown)}; choose among {', '.join(available)}."
        )
    if not chosen:
        raise UserError("No language was named for the starter set; name one or leave the option out.")
    return chosen


def _former_files(folder: Path) -> set[str]:
    """The lists of a former starter set in the folder; none when it is absent or empty."""
    if not folder.exists() or folder.is_dir() and not any(folder.iterdir()):
        return set()
    try:
        document = json.loads((folder / SOURCES_FILE).read_bytes())
        if document["kind"] == KIND:
            return {Path(item["file"]).name for item in document["languages"].values()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass
    raise UserError(f"The folder {folder} holds something else than a starter set; name a new or empty folder.")


def _entries(language: str, limit: int, wordfreq: Any) -> tuple[list[str], list[dict[str, Any]]]:
    """The entries of a language, and where they come from."""
    entries = dict.fromkeys(NUMBERS)
    origins: list[dict[str, Any]] = [{"name": "numbers 0 to 99", "words": len(NUMBERS)}]
    code = _WORDFREQ_CODES.get(language, language)
    if code in wordfreq.available_languages():
        words = _wordfreq_words(code, limit, wordfreq)
        for word in words:
            entries.update(dict.fromkeys(forms(word, language)))
        origins.append(
            {
                "name": f"wordfreq {importlib.metadata.version('wordfreq')}",
                "language": code,
                "words": len(words),
                "licence": WORDFREQ_LICENCE,
            }
        )
    shipped = MetadataFolder.open(SHIPPED_LISTS)
    if language in shipped.files:
        words = [word for word in shipped.entries(language) if word]
        for word in words:
            entries.update(dict.fromkeys(forms(word, language)))
        origins.append(
            {
                "name": f"metadata/starter/{language}.txt",
                "words": len(words),
                "licence": SHIPPED_LICENCE,
            }
        )
    return list(entries), origins


def _wordfreq_words(code: str, limit: int, wordfreq: Any) -> list[str]:
    """The usable words of one of wordfreq's languages by falling frequency, at most `limit`."""
    # The small list is the head of the large one and loads ten times faster.
    for size in ("small", "large"):
        if code not in wordfreq.available_languages(size):
            continue
        listed = wordfreq.top_n_list(code, 2**31, wordlist=size)
        words = list(_cleaned(listed))[:limit]
        if len(words) == limit:
            break
    return words


def _cleaned(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        word = word.replace(_SOFT_HYPHEN, "")
        if is_usable(word):
            yield word


def _stands_alone(character: str) -> bool:
    """Whether one character may be an entry: Han characters and Hangul syllables."""
    name = unicodedata.name(character, "")
    return name.startswith(("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "HANGUL SYLLABLE"))


def _spellings(word: str, language: str) -> list[str]:
    if language == "el" and word.endswith("σ"):
        return [word[:-1] + "ς"]
    if language == "ro" and ("ș" in word or "ț" in word):
        return [word, word.replace("ș", "ş").replace("ț", "ţ")]
    if language == "sr":
        cyrillic = serbian_cyrillic(word)
        return [word] if cyrillic is None else [cyrillic, word]
    return [word]


def _capitalised(word: str, language: str) -> str:
    if language == "tr" and word.startswith("i"):
        return "İ" + word[1:]
    if language == "nl" and word.startswith("ij"):
        return "IJ" + word[2:]
    return word[0].title() + word[1:]


def _upper(word: str, language: str) -> str:
    if language == "tr":
        word = word.replace("i", "İ")
    if language == "el":
        decomposed = unicodedata.normalize("NFD", word).replace(_ACUTE, "")
        word = unicodedata.normalize("NFC", decomposed)
    return word.upper()


def _write_atomically(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes files that only their owner may read.
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
