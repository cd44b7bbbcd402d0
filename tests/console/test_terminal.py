"""What reaches a terminal: nothing that it obeys, and nothing that it can't have."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from metaclip_curate.console.terminal import (
    Console,
    cut,
    is_writable,
    output_to_stderr,
    plain,
    shown,
    shown_output,
    width,
)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x1b]0;title\x07\x1b[2J", r"\x1b]0;title\x07\x1b[2J"),
        ("a\rb\nc\td\x00\x7f", r"a\rb\nc\td\x00\x7f"),
        ("\x9b31m\x85", r"\x9b31m\x85"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("\u061c\u200e\u200f\u202a\u2066\u2069", r"\u061c\u200e\u200f\u202a\u2066\u2069"),
        ("\u2028\u2029\u200b\ufeff\xad\U000e0041", r"\u2028\u2029\u200b\ufeff\xad\U000e0041"),
        ("caf\udce9", r"caf\udce9"),
    ],
)
def test_what_a_terminal_obeys_or_nobody_sees_is_escaped(text: str, escaped: str) -> None:
    assert shown(text) == escaped
    assert shown(escaped) == escaped


@pytest.mark.parametrize("text", ["naïve", "日本語のテキスト", "می‌خواهم", "क्‍ष", "👩‍🚀 ❤️", "a\xa0b\u3000c", "\\x1b"])
def test_what_people_write_stays(text: str) -> None:
    assert shown(text) == text


@pytest.mark.slow
def test_every_bidirectional_and_control_character_is_escaped() -> None:
    import unicodedata

    for number in range(sys.maxunicode + 1):
        character = chr(number)
        hidden = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        turns = unicodedata.bidirectional(character) in ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")
        if hidden or turns:
            assert shown(character).isascii(), hex(number)


def _stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")


def _written(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", "é 猫 \\udc80\n".encode()),
        ("latin-1", b"\xe9 \\u732b \\udc80\n"),
        ("ascii", b"\\xe9 \\u732b \\udc80\n"),
    ],
)
def test_a_console_of_any_encoding_takes_any_text(encoding: str, written: bytes) -> None:
    stream = _stream(encoding)
    print("é 猫 \udc80", file=Console(stream))
    assert _written(stream) == written


def test_a_console_keeps_line_breaks_and_tabs() -> None:
    stream = _stream("utf-8")
    console = Console(stream)
    assert console.write("one\n\ttwo\r\x1b[A") == 12
    console.writelines(["\n", "three\u202e"])
    assert _written(stream) == b"one\n\ttwo\\r\\x1b[A\nthree\\u202e"


def test_output_is_shown_within_the_block_only(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with shown_output():
        print("\x1b[1m")
        print("\x1b[2m", file=sys.stderr)
        assert plain(sys.stdout) is before[0]
        with shown_output():
            print("once\x07")
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("\\x1b[1m\nonce\\x07\n", "\\x1b[2m\n")


def test_what_an_encoding_has() -> None:
    assert is_writable("é", _stream("latin-1"))
    assert not is_writable("猫", _stream("latin-1"))
    assert not is_writable("\udc80", _stream("utf-8"))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("naïve", 5),
        ("e\u0301", 1),
        ("猫とcat", 7),
        ("ｶﾅ", 2),
        ("ภาษาไทยที่นี่", 9),
        ("한국어", 6),
        ("\u1112\u1161\u11ab", 2),
        ("می‌خواهم", 7),
        ("", 0),
    ],
)
def test_columns_that_a_text_takes(text: str, columns: int) -> None:
    assert width(text) == columns


def test_a_text_is_cut_at_a_whole_character_with_its_marks() -> None:
    assert [cut("猫猫", columns) for columns in range(5)] == ["", "", "猫", "猫", "猫猫"]
    assert cut("ที่นี่", 1) == "ที่"
    assert cut("abc", 2) == "ab"


def test_a_library_and_its_processes_print_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with output_to_stderr():
        print("the library")
        subprocess.run([sys.executable, "-c", "print('its process')"], check=True)
    print("the result")
    out, errors = capfd.readouterr()
    assert out == "the result\n"
    assert {"the library", "its process"} <= set(errors.splitlines())
