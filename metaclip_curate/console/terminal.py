"""What reaches a terminal: texts from the web with everything escaped that a terminal obeys or hides, and their width.

Names of files, texts and servers' answers may hold characters that a terminal obeys, that turn the direction of what
follows, or that nobody sees. They are escaped as Python writes them, and so is what the stream's encoding doesn't have,
since the name of a file must not end a run.
"""

from __future__ import annotations

import itertools
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

# Joiners (U+200C and U+200D) and variation selectors stay: Persian, Hindi and emoji are written with them.
_HIDDEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # controls, the escape character among them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction
    "\u2028\u2029"  # ends of lines and paragraphs
    "\xad\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\uffff\U000e0000-\U000e007f"  # invisible
    "\ud800-\udfff"  # halves of characters: names of files that aren't UTF-8
    "]"
)
_LAYOUT = re.compile(r"([\n\t])")


def shown(text: str) -> str:
    r"""Returns a text as one line that any terminal can show.

    Args:
        text: Any text, from any source.

    Returns:
        The text with controls, line breaks included, and invisible characters escaped: `a\x1b[2Jb`.
    """
    return _HIDDEN.sub(lambda found: ascii(found.group())[1:-1], text)


def width(text: str) -> int:
    """Returns the number of a terminal's columns that a text takes.

    Wide and fullwidth characters of East Asian scripts take two (Unicode Standard Annex #11), combining marks none. It
    differs from what terminals do in clusters of Indic letters and in joined emoji, of which terminals differ among
    themselves.
    """
    return len(text) if text.isascii() else sum(map(_character_width, text))


def cut(text: str, columns: int) -> str:
    """Returns the beginning of a text that fits into a number of columns."""
    if text.isascii():
        return text[:columns]
    ends = itertools.accumulate(map(_character_width, text))
    return text[: sum(end <= columns for end in ends)]


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf") or "\u1160" <= character <= "\u11ff":
        return 0  # U+1160 to U+11FF are the vowels and final consonants of a Korean syllable
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Console:
    """A text stream that escapes what is written to it; line breaks and tabs stay.

    Args:
        stream: Stream to write to.

    Attributes:
        plain: The stream itself, for output to programs and for control characters that are meant.
    """

    def __init__(self, stream: TextIO) -> None:
        self.plain = stream

    def write(self, text: str) -> int:
        """Writes a text and escapes it where that is needed."""
        lines = "".join(part if part in ("\n", "\t") else shown(part) for part in _LAYOUT.split(text))
        encoding = self.plain.encoding or "utf-8"
        self.plain.write(lines.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


@contextmanager
def shown_output() -> Iterator[None]:
    """Escapes all that is printed within the block, by a `Console`."""
    out, err = (cast(TextIO, Console(plain(stream))) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        yield


@contextmanager
def output_to_stderr() -> Iterator[None]:
    """Sends to standard error what a library and its child processes print to standard output within the block."""
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def plain(stream: TextIO) -> TextIO:
    """Returns the stream behind a console, or the stream itself."""
    return stream.plain if isinstance(stream, Console) else stream


def is_writable(text: str, stream: TextIO) -> bool:
    """Returns whether a stream's encoding has all characters of a text."""
    try:
        text.encode(stream.encoding or "utf-8", stream.errors or "strict")
    except UnicodeEncodeError:
        return False
    return True
