"""The child of `cleaner.Cleaner`: `python -m ... SECONDS NAMESPACE ...` reads pages from stdin, writes texts to stdout.

A reply is `+` and the text, or `-` if the markup is broken. The child ends with its parent, since stdin ends then and
the page in progress has a time limit.
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
    """Converts pages until stdin ends."""
    seconds, hidden = float(sys.argv[1]), frozenset(sys.argv[2:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # the default ends the process, whatever it does
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
