"""A starter set of metadata from word frequencies, made in seconds, for trying out the pipeline.

It isn't the Wikipedia metadata of spec section 3: it has only single words, no phrases, titles or WordNet names.

The words come from the 42 frequency lists of PyPI's wordfreq (Robyn Speer, https://github.com/rspeer/wordfreq; data
CC BY-SA 4.0) and from lists written for this project in metadata/starter/: Thai, which wordfreq lacks, and German words
with ß, which wordfreq writes with ss.

A list has, in this order and without repeats: the numbers 0 to 99; the words of wordfreq by falling frequency; the
words written for this project. Words that couldn't match or are meaningless are left out, and capitalised forms are
added: see word_forms.

For Serbian, Croatian and Bosnian wordfreq has one list in Latin letters, from which bs, hr, sh and sr are made; in sr
each word is in Cyrillic and in Latin letters. Chinese is in simplified characters only. Each file is named by the code
of the Wikipedia: no for wordfreq's nb, tl for its fil.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.metadata.sources.word_forms import forms, is_usable

DEFAULT_LIMIT = 20_000
NUMBERS = tuple(str(number) for number in range(100))
SHIPPED_LISTS = Path(__file__).parent.parent / "data" / "starter"
SOURCES_FILE = "sources.json"
KIND = "metaclip-curate starter"
WORDFREQ_LICENCE = "CC BY-SA 4.0"
SHIPPED_LICENCE = "Apache-2.0"

# Wordfreq's code by Wikipedia code, where they differ.
_WORDFREQ_CODES = {"no": "nb", "tl": "fil", "bs": "sh", "hr": "sh", "sr": "sh"}
_SOFT_HYPHEN = "\u00ad"


@dataclass(frozen=True)
class StarterSummary:
    """A written starter set.

    Attributes:
        path: The metadata folder.
        entries: Number of entries by language, sorted by language.
        kept: Languages of an earlier set whose lists stay in the folder, sorted.
    """

    path: Path
    entries: Mapping[str, int]
    kept: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Returns a one-line summary."""
        total = sum(self.entries.values())
        languages = "1 language" if len(self.entries) == 1 else f"{len(self.entries)} languages"
        kept = f"; the lists of {', '.join(self.kept)} stay as they are" if self.kept else ""
        return f"{self.path}: {total:,} entries in {languages} ({', '.join(self.entries)}){kept}"


def build_starter(
    out_dir: str | Path,
    languages: Iterable[str] | None = None,
    limit: int = DEFAULT_LIMIT,
) -> StarterSummary:
    """Writes a metadata folder of starter lists: `<lang>.txt` for each language, and sources.json.

    The same packages and options give the same bytes. The files are written to a folder beside `out_dir`, which is then
    renamed, so that a starter set is complete or missing. In the folder of an earlier set the lists of these languages
    are replaced file by file, sources.json last, and those of other languages stay.

    Args:
        out_dir: A folder that is absent, empty, or holds an earlier starter set.
        languages: Wikipedia codes. Default: None, all languages for which there is a list.
        limit: Largest number of words of wordfreq per language, before capitalised forms are added.

    Raises:
        UserError: wordfreq isn't installed, a language has no list, the limit is below 1, or the folder holds other
            files, holds a list that would be replaced and was changed, or can't be written.
    """
    if limit < 1:
        raise UserError(f"The limit of words a language is {limit}; give 1 or more.")
    wordfreq = _import_wordfreq()
    chosen = _choose(languages, available_languages())
    folder = Path(out_dir)
    try:
        former = _former_lists(folder)
        kept = {language: each for language, each in former.items() if language not in chosen}
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.absolute().parent) as temporary:
            complete = Path(temporary) / "complete"
            complete.mkdir()
            entries = _write_folder(complete, chosen, limit, wordfreq, kept)
            _check_unchanged(folder, former, complete)
            _move_to(complete, folder)
    except OSError as error:
        raise UserError(
            f"The starter set cannot be written to {folder} ({error.strerror}); name a writable folder."
        ) from error
    return StarterSummary(folder, entries, tuple(sorted(kept)))


def available_languages() -> list[str]:
    """Lists the Wikipedia codes for which a starter list can be made, sorted.

    Raises:
        UserError: wordfreq isn't installed.
    """
    codes = set(_import_wordfreq().available_languages()) - {"nb", "fil"}
    return sorted(codes | set(_WORDFREQ_CODES) | set(MetadataFolder.open(SHIPPED_LISTS).languages))


def _import_wordfreq() -> Any:
    try:
        return importlib.import_module("wordfreq")
    except ImportError as error:
        raise UserError(f"the starter lists need wordfreq: {install_extra('starter')}") from error


def _choose(languages: Iterable[str] | None, available: list[str]) -> list[str]:
    if languages is None:
        return available
    chosen = sorted(set(languages))
    unknown = [language for language in chosen if language not in available]
    if unknown:
        raise UserError(f"There is no starter list for {', '.join(unknown)}; choose among {', '.join(available)}.")
    if not chosen:
        raise UserError("No language was named for the starter set; name one or leave the option out.")
    return chosen


def _former_lists(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns what sources.json says of the lists of an earlier set that are still in the folder, by language.

    Returns:
        The descriptions; empty if the folder is absent or empty.

    Raises:
        UserError: The folder is a file, or holds files of another kind.
    """
    if folder.is_file():
        raise UserError(f"{folder} is a file and not a folder: name a new or empty folder")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return {}
    try:
        document = json.loads((folder / SOURCES_FILE).read_bytes())
        if document["kind"] == KIND:
            described = {code: {**item, "sha256": item["sha256"]} for code, item in document["languages"].items()}
            return {code: item for code, item in described.items() if (folder / item["file"]).is_file()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass
    raise UserError(f"The folder {folder} holds files of another kind than a starter set; name a new or empty folder.")


def _check_unchanged(folder: Path, former: Mapping[str, Mapping[str, Any]], complete: Path) -> None:
    """Checks that the lists that are replaced are as an earlier call wrote them.

    Raises:
        UserError: A list was changed, or isn't one of the earlier set.
    """
    digests = {item["file"]: item["sha256"] for item in former.values()}
    for name in sorted({path.name for path in complete.iterdir()} - {SOURCES_FILE}):
        path = folder / name
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != digests.get(name):
            raise UserError(
                f"{path} isn't as the starter set wrote it, and would be lost: move it away, or name another folder."
            )


def _write_folder(
    folder: Path, languages: Iterable[str], limit: int, wordfreq: Any, kept: Mapping[str, dict[str, Any]]
) -> dict[str, int]:
    """Writes the lists to an empty folder, with a sources.json that also describes the lists that are kept.

    Returns:
        The number of entries of each list that was written, by language.
    """
    described: dict[str, dict[str, Any]] = {}
    for language in languages:
        entries, origins = _entries(language, limit, wordfreq)
        data = "".join(f"{entry}\n" for entry in entries).encode()
        name = f"{language}.txt"
        (folder / name).write_bytes(data)
        described[language] = {
            "file": name,
            "entries": len(entries),
            "limit": limit,
            "sha256": hashlib.sha256(data).hexdigest(),
            "sources": origins,
        }
    document = {
        "kind": KIND,
        "warning": "Word lists to try the pipeline with, not the Wikipedia metadata of MetaCLIP 2.",
        "languages": dict(sorted({**kept, **described}.items())),
    }
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    (folder / SOURCES_FILE).write_text(text, encoding="utf-8", newline="")
    return {language: item["entries"] for language, item in described.items()}


def _move_to(complete: Path, folder: Path) -> None:
    """Renames a complete folder to its final name, or moves its files one by one over those of an earlier set."""
    if not (folder / SOURCES_FILE).exists():
        complete.replace(folder)
        return
    written = {path.name for path in complete.iterdir()}
    for name in [*sorted(written - {SOURCES_FILE}), SOURCES_FILE]:
        (complete / name).replace(folder / name)


def _entries(language: str, limit: int, wordfreq: Any) -> tuple[list[str], list[dict[str, Any]]]:
    """Returns the entries of a language, and a description of their sources."""
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
    """Returns up to `limit` usable words of one of wordfreq's languages by falling frequency."""
    # The small list is the head of the large one and loads ten times faster.
    for size in ("small", "large"):
        if code not in wordfreq.available_languages(size):
            continue
        listed = wordfreq.top_n_list(code, 2**31, wordlist=size)
        words = list(islice(_cleaned(listed), limit))
        if len(words) == limit:
            break
    return words


def _cleaned(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        cleaned = word.replace(_SOFT_HYPHEN, "")
        if is_usable(cleaned):
            yield cleaned
