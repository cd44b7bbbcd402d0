"""How spaces are put around words, so that a substring search finds whole words where there are spaces between words.

A text matches an entry if the spaced text contains the spaced entry. In languages without spaces between words, the
search stays one for substrings ("Meta CLIP 2", arXiv 2507.22062, section 3).
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from typing import get_args

import pyarrow as pa

from metaclip_curate.matching.katakana import SOUND_MARKS, may_have_katakana, space_katakana
from metaclip_curate.matching.normalization import SEPARATOR, join_texts, normalize_entries, normalize_texts
from metaclip_curate.options.match import EntrySpacing, Normalization

ENTRY_SPACINGS: tuple[EntrySpacing, ...] = get_args(EntrySpacing)

TEXT_MARKS = ",.;:?!`"
PUNCTUATION = string.punctuation + "，。、；：？！“”‘’（）【】《》〈〉「」『』～—"
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
HIRAGANA = (0x3040, 0x309F)

_MARK_SPACING = tuple((mark, f" {mark} ") for mark in TEXT_MARKS)
# In UTF-8 these characters are single bytes that no other character contains.
_BYTE_SPACING = tuple((char.encode(), spaced.encode()) for char, spaced in (("\t", " "), ("\r", " "), *_MARK_SPACING))


def space_texts(texts: pa.StringArray, spacing: EntrySpacing = "metaclip2", normalize: Normalization = "nfc") -> str:
    """Normalises and spaces texts, in a few passes over all of their bytes.

    Each text gets a space at both ends and around each of , . ; : ? ! `; tab, newline and return become spaces. With
    the spacing `kana` there are spaces around runs of katakana as well.

    Args:
        texts: Texts without nulls.
        spacing: As for `spaced_entries`.
        normalize: As for `normalization.normalize_texts`.

    Returns:
        The spaced texts, with a newline after each.
    """
    joined = join_texts(normalize_texts(texts, normalize), f" {SEPARATOR} ")
    for character, spaced in _BYTE_SPACING:
        joined = joined.replace(character, spaced)
    decoded = f" {joined.decode()} {SEPARATOR}"
    return space_katakana(decoded) if spacing == "kana" and may_have_katakana(joined) else decoded


def spaced_entries(
    entries: Iterable[str], spacing: EntrySpacing = "metaclip2", normalize: Normalization = "nfc"
) -> Iterator[tuple[int, str]]:
    """Normalises and spaces metadata entries.

    Args:
        entries: Entries of a language. An entry's id is its index.
        spacing: `metaclip2` adds a space before an entry unless its first character belongs to a script without
            spaces or is punctuation, and one after it by its last character. `metaclip1` always adds both. `symmetric`
            is `metaclip2` with the marks in the entry spaced as in a text, so that `St. Louis` can match. `kana` is
            `symmetric` with hiragana as a script without spaces and each run of katakana as a word.
        normalize: As for `normalization.normalize_texts`.

    Yields:
        Id and spaced form of each entry that a text can contain.

    Raises:
        ValueError: The spacing or the normalization is unknown.
    """
    if spacing not in ENTRY_SPACINGS:
        raise ValueError(f"entry spacing {spacing!r} is not one of {', '.join(ENTRY_SPACINGS)}")
    normal = normalize_entries(entries, normalize)
    inner = _spaced_inside(normal, spacing)
    # A sound mark is pronounced with the character before it, which decides about the space.
    ends = [entry.rstrip(SOUND_MARKS) or entry for entry in normal] if spacing == "kana" else normal
    beside = _SpaceBeside(spacing)
    for entry_id, (entry, spaced, end) in enumerate(zip(normal, inner, ends, strict=True)):
        if entry:
            yield entry_id, f"{beside[entry[0]]}{spaced}{beside[end[-1]]}"


def normal_entries(
    entries: Iterable[str], spacing: EntrySpacing = "metaclip2", normalize: Normalization = "nfc"
) -> list[str]:
    """Normalises entries and spaces them inside, without the spaces around them.

    Args:
        entries: n entries of a language.
        spacing: As for `spaced_entries`.
        normalize: As for `normalization.normalize_texts`.

    Returns:
        n strings, of which those are empty that no text contains.
    """
    return _spaced_inside(normalize_entries(entries, normalize), spacing)


def _spaced_inside(entries: list[str], spacing: EntrySpacing) -> list[str]:
    """Puts the spaces inside of entries that a text would have there."""
    if not entries or spacing not in ("symmetric", "kana"):
        return entries
    joined = SEPARATOR.join(entries)
    for mark, spaced in _MARK_SPACING:
        joined = joined.replace(mark, spaced)
    return (space_katakana(joined) if spacing == "kana" else joined).split(SEPARATOR)


class _SpaceBeside(dict[str, str]):
    """The space that an entry needs beside its first or last character, or none, by character.

    Lists have few different first and last characters, for each of which the pattern is searched once.
    """

    def __init__(self, spacing: EntrySpacing) -> None:
        ranges = (*UNSPACED_RANGES, HIRAGANA) if spacing == "kana" else UNSPACED_RANGES
        letters = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
        self._unspaced = re.compile("(?!)" if spacing == "metaclip1" else f"[{re.escape(PUNCTUATION)}{letters}]")

    def __missing__(self, character: str) -> str:
        self[character] = "" if self._unspaced.match(character) else " "
        return self[character]
