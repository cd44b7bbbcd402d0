"""What a command prints: tables for people, or with --json one JSON value for machines.

With --json only that value goes to the standard output; lines about what goes on go to the standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from metaclip_curate.console.terminal import is_writable, plain, shown

# What is told while a command works.
Tell = Callable[[str], None]


def add_json(command: argparse.ArgumentParser) -> None:
    """Adds --json to a command's arguments."""
    command.add_argument("--json", action="store_true", help="print the result as JSON in place of tables")


def tell_of(parsed: argparse.Namespace) -> Tell:
    """Where lines about what goes on are told, so that they don't mix with JSON."""
    return tell_on_stderr if parsed.json else tell


def tell(line: str) -> None:
    """Prints a line about what goes on, at once."""
    print(shown(line), flush=True)


def tell_on_stderr(line: str) -> None:
    """Prints a line about what goes on, or what went wrong, to the standard error."""
    print(shown(line), file=sys.stderr, flush=True)


def print_json(value: Any, ensure_ascii: bool = False) -> None:
    """Prints a JSON value; texts stay as they are.

    Args:
        value: Of JSON types.
        ensure_ascii: Whether to write other characters as JSON's escapes; an output that can't have them always gets
            these.
    """
    stream = plain(sys.stdout)
    text = json.dumps(value, ensure_ascii=ensure_ascii, indent=1)
    if not is_writable(text, stream):
        text = json.dumps(value, indent=1)
    stream.write(text + "\n")
