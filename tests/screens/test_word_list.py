"""Lists of words, and what is said of broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.screens.word_list import parse_words, read_word_list, split_word_list
from metaclip_curate.storage import StorageOptions


def test_a_list_has_a_word_a_line(tmp_path: Path) -> None:
    path = tmp_path / "en.txt"
    path.write_bytes("\ufeffdog\r\n\n  hot dog \n狗\n".encode())
    read = read_word_list("en", str(path), StorageOptions())
    assert read.words == ("dog", "hot dog", "狗")
    assert read.language == "en" and len(read.digest) == 64


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"dog\n\xff\n", "words.txt:2 isn't UTF-8"),
        (b"dog\ncat\n...\n", "words.txt:3 has only marks"),
        (b"a" * 300, "words.txt:1 has 300 characters"),
    ],
)
def test_a_broken_line_is_named(data: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_words(data, "words.txt")


def test_values_of_the_option() -> None:
    assert split_word_list("en=lists/en=1.txt") == ("en", "lists/en=1.txt")
    for value in ("lists/en.txt", "=x", "en=", "a/b=c"):
        with pytest.raises(UserError, match="isn't LANG=FILE"):
            split_word_list(value)
