"""Names of synsets from WordNet: Princeton's files, and those of Open Multilingual WordNet.

Princeton's data.noun, data.verb, data.adj and data.adv (wndb(5WN)) have a synset a line: its words are the names, with
the syntactic marker of some adjectives, `(p)`, `(a)` or `(ip)`, taken off.

Open Multilingual WordNet's wn-data-CODE.tab has `synset TAB relation TAB value` a line. A row counts when its relation
is `lemma` or `CODE:lemma`; definitions, examples and what Arabic has besides (`arb:lemma:root`,
`arb:lemma:brokenplural`) are not names. The first line names the wordnet's licence.

In all of them `_` becomes a space. Chinese Open Wordnet sets the parts of a word apart with `+`, which no text has: a
plus between two Chinese characters is taken out. Vowel points (Arabic, Hebrew) stay as they are. `GAP!` and
`PSEUDOGAP!` are no lemmas: so some wordnets say that their language has no word for a synset.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any, Protocol

import pyarrow as pa

from metaclip_curate.errors import UserError

PRINCETON = ("data.adj", "data.adv", "data.noun", "data.verb")
PRINCETON_LICENCE = "WordNet licence (Princeton University)"
ENGLISH = "eng"
_ARCHIVE = re.compile(r".*\.(?:zip|tar|tgz|tar\.(?:gz|bz2|xz))")
_MARKER = re.compile(r"\((?:a|p|ip)\)$")
_CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ebef"
_PLUS = re.compile(rf"(?<=[{_CHINESE}])\+(?=[{_CHINESE}])")
_UNREADABLE = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
    *(NotImplementedError, RuntimeError),
)
_GAPS = ("GAP!", "PSEUDOGAP!")
# The largest wordnet, Princeton's, has 24 MB; all of Open Multilingual WordNet 1.4 have less than 200.
MOST_UNPACKED_BYTES = 1 << 30
_PIECE_BYTES = 1 << 20


@dataclass
class SynsetNames:
    """Names in the order in which they came, each once.

    Attributes:
        names: Name to whether it is the first name of a synset.
        synsets: How many synsets there were.
        malformed: Lines that are none of the format.
        licences: What the files say of their licence.
    """

    names: dict[str, bool] = field(default_factory=dict)
    synsets: int = 0
    malformed: int = 0
    licences: list[str] = field(default_factory=list)

    def add(self, name: str, first: bool) -> None:
        """Takes a lemma as the file writes it; an empty one is left out."""
        cleaned = " ".join(_PLUS.sub("", name.replace("_", " ")).split())
        if cleaned:
            self.names[cleaned] = self.names.get(cleaned, False) or first

    def licensed(self, licence: str) -> None:
        """Notes a licence."""
        if licence and licence not in self.licences:
            self.licences.append(licence)


def is_archive(path: str) -> bool:
    """Whether a file's name is that of an archive which may hold wordnets."""
    return _ARCHIVE.fullmatch(path) is not None


def wordnet_table(files: Mapping[str, Iterable[tuple[str, bytes]]], language: str) -> tuple[pa.Table, dict[str, Any]]:
    """The names of a language's wordnets.

    Args:
        files: By the wordnet's code name and content of its files; none where the language has no wordnet.
        language: The language, to say so.

    Returns:
        entry and first (whether it is a synset's first name); and counts, licences and, without names, why.

    Raises:
        UserError: A file is damaged.
    """
    names: dict[str, bool] = {}
    summary: dict[str, Any] = {"synsets": 0, "malformed_lines": 0, "licences": []}
    for code, of_code in files.items():
        found = read_names(of_code, code)
        for name, first in found.names.items():
            names[name] = names.get(name, False) or first
        summary["synsets"] += found.synsets
        summary["malformed_lines"] += found.malformed
        summary["licences"] += found.licences
    if not names:
        nowhere = (
            f"no wn-data-{' or wn-data-'.join(files)} in the sources"
            if files
            else f"Open Multilingual WordNet has no {language}"
        )
        summary["missing"] = nowhere
    columns = {"entry": pa.array(names, pa.string()), "first": pa.array(names.values(), pa.bool_())}
    return pa.table(columns), summary


def read_names(files: Iterable[tuple[str, bytes]], code: str) -> SynsetNames:
    """Reads the names of one wordnet.

    Args:
        files: Name and content of files as they are stored, archives among them; each kind in any order.
        code: Code of the wordnet in Open Multilingual WordNet; eng is also Princeton's.

    Returns:
        The names; files are read in the order of their names, so that the order given doesn't matter.

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
    """The wordnet's files in a file: itself, or those of an archive by their names."""
    wanted = rf"wn-data-{re.escape(code)}\.tab(?:\.gz)?" + (r"|data\.(?:noun|verb|adj|adv)" if code == ENGLISH else "")
    pattern = re.compile(wanted)
    allowance = _Allowance(path)
    try:
        for inner, opened in _files_in(path, data, allowance):
            name = inner.rsplit("/", 1)[-1]
            if pattern.fullmatch(name):
                with opened() as file:
                    unpacked = gzip.GzipFile(fileobj=file) if name.endswith(".gz") else file
                    yield name, allowance.read_all(unpacked)
    except _UNREADABLE as error:
        raise UserError(f"{path} is damaged ({error}): download it again") from error
    except MemoryError as error:
        raise UserError(f"{path} takes more memory to unpack than there is: download it again") from error


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Allowance:
    """Bounds what is unpacked of a file, since a small one can become any number of bytes.

    Args:
        path: The file, to say so.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._left = MOST_UNPACKED_BYTES

    def read_all(self, stream: _Readable) -> bytes:
        """Reads a stream to its end.

        Raises:
            UserError: More was unpacked than any wordnet has.
        """
        return b"".join(iter(partial(self.read, stream, _PIECE_BYTES), b""))

    def read(self, stream: _Readable, size: int) -> bytes:
        """Reads up to `size` bytes; raises the same."""
        data = stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UserError(
                f"{self._path} unpacks to more than {MOST_UNPACKED_BYTES / 2**20:,.0f} MiB, as no wordnet does: "
                "take it out of --sources, or download it again"
            )
        return data


class _Bounded:
    """A stream that an allowance bounds."""

    def __init__(self, stream: _Readable, allowance: _Allowance) -> None:
        self._stream = stream
        self._allowance = allowance

    def read(self, size: int, /) -> bytes:
        return self._allowance.read(self._stream, size)


def _files_in(path: str, data: bytes, allowance: _Allowance) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    """The files in a file and how to open them; one of a tar is opened before the next one is asked for."""
    stored = io.BytesIO(data)
    if not is_archive(path):
        yield path, lambda: stored
    elif path.endswith(".zip"):
        with zipfile.ZipFile(stored) as archive:
            for name in archive.namelist():
                yield name, partial(archive.open, name)
    else:
        # What a tar says of its files can be long as well, so that all that is unpacked of it is bounded.
        unpacked = _Bounded(_without_packing(stored), allowance)
        with tarfile.open(fileobj=unpacked, mode="r|") as tar:  # type: ignore[call-overload]  # it needs no more
            for member in tar:
                if member.isfile():
                    yield member.name, partial(_extracted, tar, member)


def _without_packing(stored: io.BytesIO) -> _Readable:
    """A tar file without its packing."""
    start = stored.getvalue()[:6]
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=stored)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(stored)
    return lzma.LZMAFile(stored) if start.startswith(b"\xfd7zXZ") else stored


def _extracted(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file is not None  # it is a file
    return file


def _read_princeton(content: bytes, found: SynsetNames) -> None:
    found.licensed(PRINCETON_LICENCE)
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
            found.licensed(fields[3].decode("utf-8", "replace").strip() if len(fields) > 3 else "")
            continue
        if fields == [b""]:
            continue
        if len(fields) < 3:
            found.malformed += 1
            continue
        if fields[1] not in (b"lemma", f"{code}:lemma".encode()):
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
