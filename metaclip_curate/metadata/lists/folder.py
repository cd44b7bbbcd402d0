"""Reading a metadata folder: one ordered list of entries for each language (spec section 3).

    <lang>.json       a JSON list of strings
    <lang>.txt        UTF-8, one entry a line
    <lang>.txt.zst    the same, compressed with Zstandard

An entry's id is its position from 0, so nothing here moves an entry:

- an empty string or an empty line keeps its position (and never matches, which is the matcher's affair);
- duplicates keep their positions, each with its own id;
- a byte order mark at the start of a file is not part of the first entry;
- in .txt files a line ends with LF or CR LF and with nothing else: form feeds, U+0085 and U+2028 are characters of
  an entry, and so is a lone CR. A line end at the end of the file starts no further entry. An entry that needs a
  line break needs .json;
- no entry is too long;
- a file without entries is a language without entries;
- bytes that are not UTF-8, or a JSON escape of half a surrogate pair, are an error and never repaired.

The name says the language. Files whose name is not a language code with one of the three endings are no metadata and
are passed over: README.md, LICENSE, sources.json, languages.csv, hidden files. A language code is two or three small
letters, or `simple` or `other`, and perhaps subtags after "_" or "-": en, be_x_old, zh_min_nan, eng_Latn.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions

_FILE_NAME = re.compile(r"(?P<language>(?:[a-z]{2,3}|simple|other)(?:[_-][A-Za-z0-9]{1,8})*)\.(?:json|txt|txt\.zst)")

# A list of half a million entries has 10 MB.
_MOST_UNPACKED_BYTES = 1 << 30
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class LanguageMetadata:
    """One language's list as it was read.

    Attributes:
        language: the metadata language.
        source: the file it came from.
        digest: SHA-256 of the file's bytes as stored, 64 hex digits.
        entries: the entries; an entry's id is its position.
    """

    language: str
    source: str
    digest: str
    entries: list[str]


@dataclass(frozen=True)
class MetadataFolder:
    """The lists that a folder holds; each is read when asked for.

    Attributes:
        path: the folder.
        files: language to file, sorted by language.
        options: how to reach it.
    """

    path: str
    files: Mapping[str, str]
    options: StorageOptions

    @classmethod
    def open(cls, path: str | Path, options: StorageOptions | None = None) -> MetadataFolder:
        """Looks which languages a folder has.

        Args:
            path: a local folder, or one at s3:// or gs://.
            options: how to reach it.

        Raises:
            UserError: the folder is missing or has no metadata, or two files are the same language's.
        """
        folder, options = str(path), options or StorageOptions()
        files: dict[str, str] = {}
        for file in sorted(_list_files(folder, options)):
            match = _FILE_NAME.fullmatch(_name(file))
            if match is None:
                continue
            language = match["language"]
            if language in files:
                raise UserError(
                    f"The metadata folder {folder} has two files for the language {language}, "
                    f"{_name(files[language])} and {_name(file)}; keep one."
                )
            files[language] = file
        if not files:
            raise UserError(
                f"The metadata folder {folder} has no metadata; put a list named LANGUAGE.json, LANGUAGE.txt or "
                "LANGUAGE.txt.zst there, en.json for example."
            )
        return cls(folder, dict(sorted(files.items())), options)

    @property
    def languages(self) -> list[str]:
        """The languages with a list, sorted."""
        return list(self.files)

    def read(self, language: str) -> LanguageMetadata:
        """One language's entries, and the digest of the same bytes.

        Raises:
            UserError: the folder has no such language, or its file is not as the module's rules say.
        """
        return _parsed(language, *self._bytes(language))

    def entries(self, language: str) -> list[str]:
        """One language's entries; an entry's id is its position.

        Raises:
            UserError: as `read`.
        """
        return self.read(language).entries

    def digest(self, language: str) -> str:
        """SHA-256 of a language's file as stored, 64 hex digits.

        Raises:
            UserError: the folder has no such language, or its file can't be read.
        """
        return hashlib.sha256(self._bytes(language)[1]).hexdigest()

    def digests(self) -> dict[str, str]:
        """`digest` of every language, sorted by language."""
        return {language: self.digest(language) for language in self.files}

    def local_bytes(self, languages: Iterable[str]) -> int | None:
        """Bytes of the files of some languages; None where the folder isn't on this machine."""
        if not storage.is_local(self.path):
            return None
        return sum(Path(self.files[language]).stat().st_size for language in languages)

    def _bytes(self, language: str) -> tuple[str, bytes]:
        source = self.files.get(language)
        if source is None:
            raise UserError(
                f"The metadata folder {self.path} has no list for the language {language}; add {language}.json or "
                f"choose among {', '.join(self.files)}."
            )
        return source, _read_bytes(source, self.options)


def read_list(path: str, language: str, options: StorageOptions) -> LanguageMetadata:
    """One list by the file's name, wherever it is: *.json, *.txt or *.txt.zst.

    Raises:
        UserError: The file can't be read or is not as the module's rules say.
    """
    return _parsed(language, path, _read_bytes(path, options))


def _parsed(language: str, source: str, data: bytes) -> LanguageMetadata:
    entries = _parse_json(data, source) if source.endswith(".json") else _parse_lines(data, source)
    return LanguageMetadata(language, source, hashlib.sha256(data).hexdigest(), entries)


def _list_files(folder: str, options: StorageOptions) -> list[str]:
    """The paths of the files in a folder, not below it."""
    try:
        if not storage.is_local(folder):
            names = storage.list_folder(folder, options)
            return [storage.join(folder, name) for name in names if not name.endswith("/")]
        return [str(path) for path in Path(folder).iterdir() if path.is_file()]
    except FileNotFoundError as error:
        raise UserError(f"The metadata folder {folder} does not exist; name an existing one.") from error
    except NotADirectoryError as error:
        raise UserError(f"The metadata folder {folder} is a file; name the folder that it is in.") from error
    except OSError as error:
        raise UserError(
            f"The metadata folder {folder} cannot be read ({error.strerror or error}); name a readable one."
        ) from error


def _read_bytes(path: str, options: StorageOptions) -> bytes:
    try:
        return Path(path).read_bytes() if storage.is_local(path) else storage.read_bytes(path, options)
    except OSError as error:
        raise UserError(
            f"The metadata file {path} cannot be read ({error.strerror or error}); make it readable or remove it."
        ) from error


def _name(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def _parse_json(data: bytes, source: str) -> list[str]:
    try:
        entries = json.loads(_decode(data, source))
    except json.JSONDecodeError as error:
        raise UserError(
            f"The metadata file {source} is malformed at line {error.lineno}, column {error.colno} ({error.msg}); "
            "it must be a JSON list of strings."
        ) from error
    except (RecursionError, ValueError) as error:
        # Lists in lists without end, or a number of thousands of digits.
        raise UserError(
            f"The metadata file {source} cannot be read ({error}); it must be a JSON list of strings."
        ) from error
    if not isinstance(entries, list):
        raise UserError(f"The metadata file {source} holds {_kind(entries)}; it must be a JSON list of strings.")
    for position, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise UserError(
                f"The metadata file {source} holds {_kind(entry)} at position {position}; "
                "it must be a JSON list of strings."
            )
        if not entry.isascii() and _has_surrogate(entry):
            raise UserError(
                f"The metadata file {source} has half a surrogate pair in the string at position {position}; "
                "write the whole character."
            )
    return entries


def _parse_lines(data: bytes, source: str) -> list[str]:
    if source.endswith(".zst"):
        data = _unzstd(data, source)
    lines = _decode(data, source).replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _unzstd(data: bytes, source: str) -> bytes:
    unpacked = bytearray()
    try:
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            while len(unpacked) <= _MOST_UNPACKED_BYTES and (piece := stream.read(_PIECE_BYTES)):
                unpacked += piece
    except OSError as error:
        raise UserError(
            f"The metadata file {source} is damaged or no Zstandard file ({error}); make it again."
        ) from error
    if len(unpacked) > _MOST_UNPACKED_BYTES:
        raise UserError(
            f"The metadata file {source} unpacks to more than {_MOST_UNPACKED_BYTES / 2**20:,.0f} MiB, as no list "
            "does; make it again."
        )
    return bytes(unpacked)


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"The metadata file {source} is not UTF-8 at line {line}, byte {error.start}; save it as UTF-8."
        ) from error


def _has_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _kind(value: object) -> str:
    """What a JSON value is called in JSON."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return "a string"
    if value is None:
        return "null"
    return "true or false" if isinstance(value, bool) else "a number"
