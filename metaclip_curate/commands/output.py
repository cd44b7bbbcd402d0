"""What a command prints: tables for people, or with --json one JSON value for programs.

With --json only that value goes to standard output; messages about progress go to standard error. docs/json.md has the
value of each command.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from metaclip_curate.console.terminal import is_writable, plain, shown
from metaclip_curate.options.printing import PrintOptions

# Takes lines about progress.
Log = Callable[[str], None]


def log_of(options: PrintOptions) -> Log:
    """Returns where lines about progress go, so that they don't mix with JSON."""
    return log_to_stderr if options.json else log


def log(line: str) -> None:
    """Prints a line about progress and flushes it."""
    print(shown(line), flush=True)


def log_to_stderr(line: str) -> None:
    """Prints a line about progress, or about a failure, to standard error."""
    print(shown(line), file=sys.stderr, flush=True)


def print_blocks(*blocks: str) -> None:
    """Prints tables and paragraphs with an empty line before each."""
    for block in blocks:
        print()
        print(block)


def print_paths(root: str, names: Sequence[str]) -> None:
    """Prints where files and tables of a folder are, after an empty line."""
    from metaclip_curate import storage

    print_blocks("\n".join(f"{name:<14} {storage.join(root, name)}" for name in names))


def print_json(value: Any, ensure_ascii: bool = False) -> None:
    """Prints a JSON value; texts stay as they are.

    Args:
        value: Value of JSON types.
        ensure_ascii: Whether to write other characters as JSON's escapes. An output whose encoding lacks some of the
            characters always gets the escapes.
    """
    stream = plain(sys.stdout)
    text = json.dumps(value, ensure_ascii=ensure_ascii, indent=1)
    if not is_writable(text, stream):
        text = json.dumps(value, indent=1)
    stream.write(text + "\n")
