"""Lists of words that texts mustn't contain: UTF-8, a word or a phrase a line."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterable
from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.matching.spacing import PUNCTUATION
from metaclip_curate.screens.host_list import read_pieces
from metaclip_curate.storage import StorageOptions

_LONGEST = 256
_MARKS = frozenset(PUNCTUATION + string.whitespace)


@dataclass(frozen=True)
class WordList:
    """A list of words.

    Attributes:
        language: Language of the texts that are searched.
        source: Path or URL.
        digest: SHA-256 of the file.
        words: The words.
    """

    language: str
    source: str
    digest: str
    words: tuple[str, ...]


def split_word_list(value: str) -> tuple[str, str]:
    """Returns language and path of a value of --word-list.

    Raises:
        UserError: It isn't LANG=FILE.
    """
    language, equals, path = value.partition("=")
    if not (language and equals and path) or "/" in language:
        raise UserError(f"--word-list {value} isn't LANG=FILE: write the language of its words, such as en={value}")
    return language, path


def read_word_list(language: str, path: str, options: StorageOptions) -> WordList:
    """Reads a list.

    Args:
        language: Language of the texts that are searched.
        path: Path or URL. Empty lines and spaces around words don't count.
        options: Credentials and limits for reading it.

    Raises:
        UserError: It can't be read, or a line is broken.
    """
    data = b"".join(read_pieces(path, options))
    return WordList(language, path, hashlib.sha256(data).hexdigest(), tuple(parse_words(data, path)))


def parse_words(data: bytes, source: str) -> Iterable[str]:
    """Reads the lines of a list.

    Raises:
        UserError: A line is broken; the message has its number, and what is right.
    """
    words = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            word = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise UserError(f"{source}:{number} isn't UTF-8: save the list as UTF-8 with a word a line") from error
        if len(word) > _LONGEST:
            raise UserError(
                f"{source}:{number} has {len(word):,} characters: write a word a line, of at most {_LONGEST}"
            )
        if word and _MARKS.issuperset(word):
            raise UserError(f"{source}:{number} has only marks ({word}): write a word or a phrase a line")
        if word:
            words.append(word)
    return words
