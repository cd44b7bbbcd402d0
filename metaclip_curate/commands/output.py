"""What a command prints: tables for people, or with --json one JSON value for machines.

With --json only that value goes to the standard output; lines about what goes on go to the standard error.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable
from typing import Any

# What is told while a command works.
Tell = Callable[[str], None]


def add_json(command: argparse.ArgumentParser) -> None:
    """Adds --json to a command's arguments."""
    command.add_argument("--json", action="store_true", help="print the result as JSON in place of tables")


def tell_of(parsed: argparse.Namespace) -> Tell:
    """Where lines about what goes on are told, so that they don't mix with JSON."""
    return functools.partial(print, file=sys.stderr) if parsed.json else print


def print_json(value: Any) -> None:
    """Prints a JSON value; texts stay as they are."""
    print(json.dumps(value, ensure_ascii=False, indent=1))
