"""The child of `cleaner.Cleaner`: `python -m ... SECONDS NAMESPACE ...`, a page per message on stdin, a text on stdout.

An answer is `+` and the text, or `-` where the markup is broken. It ends with its parent: stdin is at its end then, and
a page that it is busy with has a limit.
"""

from __future__ import annotations

import resource
import signal
import sys

from mwparserfromhell.parser import ParserError

from metaclip_curate.metadata.wikipedia.messages import receive, send
from metaclip_curate.metadata.wikipedia.wikitext import plain_text

_ADDRESS_SPACE = 3 << 30  # bytes; a page of 4 MiB of markup takes less than 1 GiB


def main() -> None:
    """Answers until nobody asks."""
    seconds, hidden = float(sys.argv[1]), frozenset(sys.argv[2:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # whose default is to end the process, whatever it does
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, resource.getrlimit(resource.RLIMIT_AS)[1]))
    while (message := receive(sys.stdin.buffer)) is not None:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            answer = b"+" + plain_text(message.decode(), hidden).encode("utf-8", "replace")
        except (ParserError, RecursionError):
            answer = b"-"
        signal.setitimer(signal.ITIMER_PROF, 0)
        send(sys.stdout.buffer, answer)


if __name__ == "__main__":
    main()
