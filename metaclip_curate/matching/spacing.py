"""How spaces are put around words, so that a substring search finds whole words where there are spaces between words.

A text matches an entry if the spaced text contains the spaced entry. In languages without spaces between words, the search
stays one for substrings ("Meta CLIP 2", arXiv 2507.22062, section 3).
"""

from __future__ import annotations

import string
from functools import lru_cache
from typing import get_args

from metaclip_curate.options.match import EntrySpacing

ENTRY_SPACINGS: tuple[EntrySpacing, ...] = get_args(EntrySpacing)

TEXT_MARKS = ",.;:?!`"
PUNCTUATION = frozenset(string.punctuation + "，。、；：？！“”‘’（）【】《》〈〉「」『』～—")
# First and last code points of scripts without spaces between words.
UNSPACED_RANGES = (
    (0x4E00, 0x9FFF),  # CJK unified ideographs
    (0x3400, 0x4DBF),  # extension A
    (0x20000, 0x2A6DF),  # extension B
    (0x2A700, 0x2EBEF),  # extensions C to F
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0x2E80, 0x2FDF),  # radicals
    (0x2FF0, 0x2FFF),  # ideographic description characters
    (0x0E00, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x0F00, 0x0FFF),  # Tibetan
)

_MARK_SPACING = {mark: f" {mark} " for mark in TEXT_MARKS}
TEXT_SPACING = {"\t": " ", "\r": " "} | _MARK_SPACING
_TEXT_TABLE = str.maketrans({"\n": " "} | TEXT_SPACING)
_MARK_TABLE = str.maketrans(_MARK_SPACING)


def space_text(text: str) -> str:
    """Adds a space at both ends of a text and around each of , . ; : ? ! `; converts tab, newline and return to spaces.

    Args:
        text: Any text.

    Returns:
        The spaced text, which is searched for spaced entries.
    """
    return f" {text.translate(_TEXT_TABLE)} "


def space_entry(entry: str, spacing: EntrySpacing = "metaclip2") -> str:
    """Spaces a metadata entry.

    Args:
        entry: A non-empty entry.
        spacing: `metaclip2` adds a space before the entry unless its first character belongs to a script without
            spaces or is punctuation, and one after it by its last character. `metaclip1` always adds both. `symmetric`
            is `metaclip2` with the marks in the entry spaced as in a text, so that `St. Louis` can match.

    Returns:
        The string that spaced texts are searched for.

    Raises:
        ValueError: The entry is empty, or the spacing isn't one of the three.
    """
    if not entry:
        raise ValueError("an empty entry has no spacing")
    if spacing == "metaclip1":
        return f" {entry} "
    if spacing not in ENTRY_SPACINGS:
        raise ValueError(f"entry spacing {spacing!r} is not one of {', '.join(ENTRY_SPACINGS)}")
    before = "" if _stands_alone(entry[0]) else " "
    after = "" if _stands_alone(entry[-1]) else " "
    inner = entry.translate(_MARK_TABLE) if spacing == "symmetric" else entry
    return f"{before}{inner}{after}"


# Lists have many entries and few different characters.
@lru_cache(maxsize=1 << 14)
def _stands_alone(character: str) -> bool:
    code = ord(character)
    return character in PUNCTUATION or any(first <= code <= last for first, last in UNSPACED_RANGES)
