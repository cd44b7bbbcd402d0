"""Shell patterns over the names in an object store."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


def has_wildcard(name: str) -> bool:
    """Returns whether a name contains *, ? or [."""
    return any(character in name for character in "*?[")


def fixed_folder(pattern: str) -> str:
    """Returns the folder that contains all matches: the part before the first wildcard, up to a slash."""
    first = min(pattern.index(character) for character in "*?[" if character in pattern)
    return pattern[: pattern.rindex("/", 0, first) + 1]


def pattern_of(pattern: str) -> re.Pattern[str]:
    """Compiles a pattern. * and ? match within a folder, ** across folders, [a-z] is a set of characters."""
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
