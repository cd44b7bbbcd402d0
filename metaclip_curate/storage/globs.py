"""Patterns over the names of an object store, with the rules of the shell."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


def has_wildcard(name: str) -> bool:
    """True when the name holds *, ? or [."""
    return any(character in name for character in "*?[")


def fixed_folder(pattern: str) -> str:
    """The folder that all matches lie in: what stands before the first wildcard, up to a slash."""
    first = min(pattern.index(character) for character in "*?[" if character in pattern)
    return pattern[: pattern.rindex("/", 0, first) + 1]


def pattern_of(pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern: * and ? stay within a folder, ** crosses folders, [a-z] is a set."""
    parts: list[str] = []
    for token in _TOKEN.findall(pattern):
        if token == "**/":
            parts.append("(?:[^/]+/)*")
        elif token == "**":
            parts.append(".*")
        elif token == "*":
            parts.append("[^/]*")
        elif token == "?":
            parts.append("[^/]")
        elif token.startswith("[") and len(token) > 1:
            parts.append(_set_of(token[1:-1]))
        else:
            parts.append(re.escape(token))
    return re.compile("".join(parts), re.DOTALL)


def _set_of(characters: str) -> str:
    negated = characters.startswith("!")
    inside = re.sub(r"([\\\[\]^&~|])", r"\\\1", characters[1:] if negated else characters)
    return f"[{'^' if negated else ''}{inside}]"
