"""Numbers of things in sentences."""

from __future__ import annotations


def counted(number: int, singular: str) -> str:
    """Returns a number and its noun, whose plural ends in s: `1 input file`, `1,200 input files`."""
    return f"{number:,} {singular}{'' if number == 1 else 's'}"
