"""Names of synsets from Princeton's WordNet and Open Multilingual WordNet.

Princeton's data.noun, data.verb, data.adj and data.adv (wndb(5WN)) have a synset per line, whose words are the names.
The syntactic marker of some adjectives, `(p)`, `(a)` or `(ip)`, is removed.

Open Multilingual WordNet's wn-data-CODE.tab has lines of `synset TAB relation TAB value`. Those with the relation
`lemma` or `CODE:lemma` are names; definitions, examples and further relations of Arabic (`arb:lemma:root`,
`arb:lemma:brokenplural`) aren't. The first line has the licence of the wordnet.

In all files `_` becomes a space. Chinese Open Wordnet separates the parts of a word by `+`, which no text has, so a
plus between two Chinese characters is removed. Vowel points (Arabic, Hebrew) are kept. `GAP!` and `PSEUDOGAP!` aren't
lemmas: with them some wordnets say that their language has no word for a synset.
"""

from __future__ import annotations

import gzip
import lzma
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from metaclip_curate.errors import UserError
from metaclip_curate.language import LanguageIdentifier, load_language_table
from metaclip_curate.metadata.sources.archives import UnpackingLimit, files_in

PRINCETON = ("data.adj", "data.adv", "data.noun", "data.verb")
PRINCETON_LICENCE = "WordNet licence (Princeton University)"
ENGLISH = "eng"
# Names are identified by lines of this many, since a single word says little. In every wordnet and word list that was
# tried, 5 % of the lines or more were of the right language; Malay, which reads like Indonesian, has the fewest.
_NAMES_PER_LINE = 100
_FEWEST_OF_LANGUAGE = 0.02
_FEWEST_LINES = 5
_MARKER = re.compile(r"\((?:a|p|ip)\)$")
_CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ebef"
_PLUS = re.compile(rf"(?<=[{_CHINESE}])\+(?=[{_CHINESE}])")
_UNREADABLE = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
    *(NotImplementedError, RuntimeError),
)
_LEMMA = re.compile(rb"([a-z]{3}(?:-[a-z]+)?):lemma")
_GAPS = ("GAP!", "PSEUDOGAP!")


@dataclass
class SynsetNames:
    """Distinct names in the order in which they were read.

    Attributes:
        names: For each name, whether it is the first name of a synset.
        synsets: Number of synsets.
        malformed: Number of malformed lines.
        others: Number of lemmas of other languages, by the code of their wordnet.
        licences: Licences that the files name.
    """

    names: dict[str, bool] = field(default_factory=dict)
    synsets: int = 0
    malformed: int = 0
    others: Counter[str] = field(default_factory=Counter)
    licences: list[str] = field(default_factory=list)

    def add(self, name: str, first: bool) -> None:
        """Adds a lemma as it is written in the file, unless it is empty."""
        cleaned = " ".join(_PLUS.sub("", name.replace("_", " ")).split())
        if cleaned:
            self.names[cleaned] = self.names.get(cleaned, False) or first

    def add_licence(self, licence: str) -> None:
        """Adds a licence."""
        if licence and licence not in self.licences:
            self.licences.append(licence)


def wordnet_table(files: Mapping[str, Sequence[tuple[str, bytes]]], language: str) -> tuple[pa.Table, dict[str, Any]]:
    """Reads the names of a language's wordnets.

    Args:
        files: Name and content of the files of each wordnet, by its code; empty if the language has no wordnet.
        language: The language, for the summary.

    Returns:
        A table of entry and first (whether it is the first name of a synset), and a summary with counts, licences,
        warnings and, if there are no names, the reason.

    Raises:
        UserError: A file is damaged.
    """
    names: dict[str, bool] = {}
    summary: dict[str, Any] = {"synsets": 0, "malformed_lines": 0, "licences": [], "warnings": []}
    for code, of_code in files.items():
        found = read_names(of_code, code)
        for name, first in found.names.items():
            names[name] = names.get(name, False) or first
        summary["synsets"] += found.synsets
        summary["malformed_lines"] += found.malformed
        summary["licences"] += found.licences
        summary["warnings"] += _other_languages(found, code) + _unlike(found, code, language)
    if not names:
        summary["missing"] = _reason(files, language)
    columns = {"entry": pa.array(names, pa.string()), "first": pa.array(names.values(), pa.bool_())}
    return pa.table(columns), summary


def _reason(files: Mapping[str, Sequence[tuple[str, bytes]]], language: str) -> str:
    """Returns why a language has no names."""
    if not files:
        return f"Open Multilingual WordNet has no {language}"
    given = [name for of_code in files.values() for name, _ in of_code]
    if given:
        return f"{' and '.join(given)} has no name of {' or '.join(files)}"
    return f"no wn-data-{' or wn-data-'.join(files)} in the sources"


def first_names(table: pa.Table) -> list[str]:
    """Returns the first name of each synset as MetaCLIP 1 writes it: in lower case, and cut at its first period.

    `St. Louis` becomes `st`, and `.22 caliber` an empty string. Of WordNet 3.0 these are 86,554 strings and the empty
    one; with the numbers 0-99 they are the 86,654 synsets of "Demystifying CLIP Data" (arXiv 2309.16671).

    Args:
        table: Table of `wordnet_table`.

    Returns:
        The strings in the order of the table, each once.
    """
    names = table.filter(table["first"])["entry"].to_pylist()
    return list(dict.fromkeys(name.lower().partition(".")[0].strip() for name in names))


def read_names(files: Iterable[tuple[str, bytes]], code: str) -> SynsetNames:
    """Reads the names of one wordnet.

    Args:
        files: Name and content of files as they are stored, including archives.
        code: Code of the wordnet in Open Multilingual WordNet; eng is also Princeton's.

    Returns:
        The names. Files are read in the order of their names, whatever order they are given in.

    Raises:
        UserError: A file is damaged.
    """
    found = SynsetNames()
    for path, data in sorted(files):
        for name, content in sorted(_members(path, data, code)):
            if name.startswith("data."):
                _read_princeton(content, found)
            else:
                _read_tab(content, code, found)
    return found


def _members(path: str, data: bytes, code: str) -> Iterator[tuple[str, bytes]]:
    """Yields name and content of the wordnet's files in an archive, or of the file itself."""
    names = rf"wn-data-{re.escape(code)}\.tab(?:\.gz)?" + (r"|data\.(?:noun|verb|adj|adv)" if code == ENGLISH else "")
    pattern = re.compile(names)
    limit = UnpackingLimit(path)
    try:
        for inner, opened in files_in(path, data, limit):
            name = inner.rsplit("/", 1)[-1]
            if pattern.fullmatch(name):
                with opened() as file:
                    unpacked = gzip.GzipFile(fileobj=file) if name.endswith(".gz") else file
                    yield name, limit.read_all(unpacked)
    except _UNREADABLE as error:
        raise UserError(f"{path} is damaged ({error}): download it again") from error
    except MemoryError as error:
        raise UserError(f"{path} takes more memory to unpack than there is: download it again") from error


def _read_princeton(content: bytes, found: SynsetNames) -> None:
    found.add_licence(PRINCETON_LICENCE)
    for line in content.splitlines():
        if line.startswith(b"  "):  # the licence
            continue
        try:
            fields = line.decode("ascii").split(" ")
            words = [fields[4 + 2 * position] for position in range(int(fields[3], 16))]
        except (ValueError, IndexError):
            found.malformed += 1
            continue
        found.synsets += 1
        for position, word in enumerate(words):
            found.add(_MARKER.sub("", word), position == 0)


def _read_tab(content: bytes, code: str, found: SynsetNames) -> None:
    synsets: set[bytes] = set()
    for line in content.split(b"\n"):
        fields = line.rstrip(b"\r").split(b"\t")
        if line.startswith(b"#"):
            found.add_licence(fields[3].decode("utf-8", "replace").strip() if len(fields) > 3 else "")
            continue
        if fields == [b""]:
            continue
        if len(fields) < 3:
            found.malformed += 1
            continue
        if fields[1] not in (b"lemma", f"{code}:lemma".encode()):
            if other := _LEMMA.fullmatch(fields[1]):
                found.others[other[1].decode()] += 1
            continue
        try:
            name = fields[2].decode("utf-8")
        except UnicodeDecodeError:
            found.malformed += 1
            continue
        if name.strip() not in _GAPS:
            found.add(name, fields[0] not in synsets)
            synsets.add(fields[0])
    found.synsets += len(synsets)


def _other_languages(found: SynsetNames, code: str) -> list[str]:
    """Returns a warning if the files of a wordnet have lemmas of other languages."""
    if not found.others:
        return []
    others = ", ".join(f"{number:,} of {other}" for other, number in found.others.most_common(3))
    return [f"the files of {code} have {len(found.names):,} names of {code}, and lemmas of other languages: {others}"]


def _unlike(found: SynsetNames, code: str, language: str) -> list[str]:
    """Returns a warning if the names of a wordnet are hardly ever identified as its language."""
    names = list(found.names)
    lines = [" ".join(names[start : start + _NAMES_PER_LINE]) for start in range(0, len(names), _NAMES_PER_LINE)]
    table = load_language_table()
    if len(lines) < _FEWEST_LINES or language not in table.labels.values():
        return []
    identified = Counter(table.map_labels(LanguageIdentifier().identify(lines)[0]).to_pylist())
    if identified[language] >= _FEWEST_OF_LANGUAGE * len(lines):
        return []
    likeliest, number = identified.most_common(1)[0]
    return [
        f"the {len(names):,} names of {code} don't look like {language}: of {len(lines):,} lines of {_NAMES_PER_LINE} "
        f"names {number:,} are identified as {likeliest}, {identified[language]:,} as {language}; check the files"
    ]
