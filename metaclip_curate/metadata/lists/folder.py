"""Reading a metadata folder: one ordered list of entries for each language (spec section 3).

    <lang>.json       a JSON list of strings
    <lang>.txt        UTF-8, one entry per line
    <lang>.txt.zst    the same, compressed with Zstandard

The id of an entry is its position from 0, so all entries keep their positions:

- an empty string or an empty line keeps its position, although no text matches it;
- duplicates keep their positions, each with its own id;
- a byte order mark at the start of a file is not part of the first entry;
- in .txt files a line ends with LF or CR LF and with nothing else: form feeds, U+0085, U+2028 and a lone CR belong to
  an entry. A line end at the end of the file doesn't start another entry. An entry with a line break requires .json;
- the length of an entry isn't limited;
- a file without entries is a language without entries;
- bytes that are not UTF-8, or a JSON escape of half a surrogate pair, are an error and never repaired.

The file name gives the language. Files whose names aren't a language code with one of the three suffixes are ignored:
README.md, LICENSE, sources.json, languages.csv, hidden files. A language code is two or three lower-case letters, or
`simple` or `other`, optionally with subtags after "_" or "-": en, be_x_old, zh_min_nan, eng_Latn.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.list_format import parse_list
from metaclip_curate.storage import StorageOptions

_FILE_NAME = re.compile(r"(?P<language>(?:[a-z]{2,3}|simple|other)(?:[_-][A-Za-z0-9]{1,8})*)\.(?:json|txt|txt\.zst)")


@dataclass(frozen=True)
class LanguageMetadata:
    """The list of one language.

    Attributes:
        language: The metadata language.
        source: Path or URL of the file.
        digest: SHA-256 of the file as stored, 64 hex digits.
        entries: The entries; the id of an entry is its position.
    """

    language: str
    source: str
    digest: str
    entries: list[str]


@dataclass(frozen=True)
class MetadataFolder:
    """A folder of lists, each of which is read when it is requested.

    Attributes:
        path: Path or URL of the folder.
        files: File of each language, sorted by language.
        options: Credentials and limits for reading the folder.
    """

    path: str
    files: Mapping[str, str]
    options: StorageOptions

    @classmethod
    def open(cls, path: str | Path, options: StorageOptions | None = None) -> MetadataFolder:
        """Lists the languages of a folder.

        Args:
            path: Path or URL of the folder.
            options: Credentials and limits for reading the folder.

        Raises:
            UserError: The folder is missing or has no lists, or two files are of the same language.
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
        """The languages that have a list, sorted."""
        return list(self.files)

    def among(self, languages: Sequence[str]) -> list[str]:
        """Returns the languages of --languages, or all if it names none.

        Raises:
            UserError: A language has no list.
        """
        for language in languages:
            if language not in self.files:
                raise UserError(f"--languages names {language}, which has no file in {self.path}")
        return list(languages) or self.languages

    def read(self, language: str) -> LanguageMetadata:
        """Reads the list of a language, with the digest of the same bytes.

        Raises:
            UserError: The folder doesn't have the language, or its file breaks the rules above.
        """
        return _parsed(language, *self._bytes(language))

    def entries(self, language: str) -> list[str]:
        """Reads the entries of a language; the id of an entry is its position.

        Raises:
            UserError: As for `read`.
        """
        return self.read(language).entries

    def digest(self, language: str) -> str:
        """Computes the SHA-256 of a language's file as stored, 64 hex digits.

        Raises:
            UserError: The folder doesn't have the language, or its file can't be read.
        """
        return hashlib.sha256(self._bytes(language)[1]).hexdigest()

    def digests(self) -> dict[str, str]:
        """Computes the digest of every language, sorted by language."""
        return {language: self.digest(language) for language in self.files}

    def local_bytes(self, languages: Iterable[str]) -> int | None:
        """Returns the total size in bytes of some languages' files; None if the folder isn't local."""
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
    """Reads a single list, whose suffix is .json, .txt or .txt.zst.

    Args:
        path: Path or URL of the file.
        language: The metadata language.
        options: Credentials and limits for reading the file.

    Raises:
        UserError: The file can't be read, or breaks the rules above.
    """
    return _parsed(language, path, _read_bytes(path, options))


def _parsed(language: str, source: str, data: bytes) -> LanguageMetadata:
    return LanguageMetadata(language, source, hashlib.sha256(data).hexdigest(), parse_list(data, source))


def _list_files(folder: str, options: StorageOptions) -> list[str]:
    """Lists the files in a folder, without those in its subfolders."""
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
        remedy = "make it readable or remove it" if storage.is_local(path) else "check the URL, or try again later"
        raise UserError(f"The metadata file {path} cannot be read ({error.strerror or error}); {remedy}.") from error


def _name(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]
