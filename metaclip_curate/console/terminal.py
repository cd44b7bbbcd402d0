"""What is shown to a person: names, texts and answers of servers come from anywhere, and a terminal obeys some of them.

Characters that a terminal obeys, that turn the direction of what follows, or that nobody sees are shown escaped, as
Python writes them. So is what the stream's encoding doesn't have: the name of a file must not end a run.
"""

from __future__ import annotations

import re
import sys
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
    r"""Makes a text one line that can be shown anywhere.

    Args:
        text: From whomever.

    Returns:
        The text with all that is hidden escaped, line breaks too: `a\x1b[2Jb`.
    """
    return _HIDDEN.sub(lambda found: ascii(found.group())[1:-1], text)


class Console:
    """A text stream that shows what is written to it; line breaks and tabs stay.

    Args:
        stream: Where to.

    Attributes:
        plain: The stream, for what is meant for a machine, or for the terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.plain = stream

    def write(self, text: str) -> int:
        """Writes a text, escaped where that is needed."""
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
    """Lets all that is printed within the block go through a `Console`."""
    out, err = (cast(TextIO, Console(plain(stream))) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        yield


def plain(stream: TextIO) -> TextIO:
    """The stream behind a console, or the stream itself."""
    return stream.plain if isinstance(stream, Console) else stream


def is_writable(text: str, stream: TextIO) -> bool:
    """Whether a stream's encoding has all characters of a text."""
    try:
        text.encode(stream.encoding or "utf-8", stream.errors or "strict")
    except UnicodeEncodeError:
        return False
    return True
