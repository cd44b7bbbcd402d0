"""Texts and entries that look the same, made equal: Unicode NFC, one kind of space, no invisible characters.

Pages write the same word in composed and decomposed letters, with no-break and ideographic spaces, and with soft
hyphens inside. U+200C and U+200D stay, since they distinguish words in Persian and in the languages of India.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.options.match import Normalization

NORMALIZATIONS: tuple[Normalization, ...] = get_args(Normalization)

# No text and no entry that can match contains it, so that one string can hold many of them.
SEPARATOR = "\n"
SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
INVISIBLE = "\u00ad\u200b\u2060\ufeff"
_IS_SPACE, _IS_INVISIBLE = 1, 2


def join_texts(texts: pa.StringArray, separator: str = SEPARATOR) -> bytes:
    """Joins texts to one string in UTF-8, and turns newlines in them into spaces.

    Args:
        texts: Texts without nulls.
        separator: String to put between two texts, with one newline.
    """
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    joined: bytes = pc.binary_join(whole, separator)[0].as_buffer().to_pybytes()
    if joined.count(SEPARATOR.encode()) < max(len(texts), 1):
        return joined
    return join_texts(pc.replace_substring(texts, SEPARATOR, " "), separator)


def normalize_texts(texts: pa.StringArray, normalize: Normalization = "nfc") -> pa.StringArray:
    """Normalises texts. ASCII texts have nothing to normalise and cost next to nothing.

    Args:
        texts: n texts without nulls.
        normalize: `nfc` turns no-break spaces and typographic spaces into spaces, removes soft hyphens, U+200B, U+2060
            and U+FEFF, and composes letters (Unicode NFC). `none` returns the texts.

    Returns:
        n normalised texts.

    Raises:
        ValueError: The normalization isn't one of the two.
    """
    if _does_nothing(normalize):
        return texts
    others = pc.invert(pc.string_is_ascii(texts))
    if not pc.any(others).as_py():
        return texts
    normal = pa.array(_normalize_lines(join_texts(texts.filter(others)).decode()), pa.string())
    return normal if len(normal) == len(texts) else pc.replace_with_mask(texts, others, normal)


def normalize_entries(entries: Iterable[str], normalize: Normalization = "nfc") -> list[str]:
    """Normalises entries.

    Args:
        entries: n entries.
        normalize: As for `normalize_texts`.

    Returns:
        n normalised entries. Those that no text contains are empty: those of which nothing is left, that contain a
        newline or that aren't valid Unicode.
    """
    possible = _possible(list(entries))
    joined = SEPARATOR.join(possible)
    return possible if _does_nothing(normalize) or joined.isascii() else _normalize_lines(joined)


def _does_nothing(normalize: Normalization) -> bool:
    if normalize not in NORMALIZATIONS:
        raise ValueError(f"normalization {normalize!r} is not one of {', '.join(NORMALIZATIONS)}")
    return normalize == "none"


def _normalize_lines(text: str) -> list[str]:
    # All of these characters have a single unit in UTF-16.
    units = np.frombuffer(text.encode("utf-16-le"), dtype="<u2")
    kinds = _kinds()[units]
    if kinds.any():
        units = units.copy()
        units[np.flatnonzero(kinds == _IS_SPACE)] = ord(" ")
        text = np.delete(units, np.flatnonzero(kinds == _IS_INVISIBLE)).tobytes().decode("utf-16-le")
    if unicodedata.is_normalized("NFC", text):
        return text.split(SEPARATOR)
    # Line by line, since Python normalises after a quick check the whole of a string in which one letter isn't normal.
    return [unicodedata.normalize("NFC", line) for line in text.split(SEPARATOR)]


def _possible(entries: list[str]) -> list[str]:
    """Returns the entries, with an empty string for each that contains a newline or isn't valid Unicode."""
    joined = SEPARATOR.join(entries)
    if joined.count(SEPARATOR) < max(len(entries), 1) and _is_valid(joined):
        return entries
    return [entry if SEPARATOR not in entry and _is_valid(entry) else "" for entry in entries]


def _is_valid(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate; texts are valid UTF-8
        return False
    return True


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Returns what becomes of each unit of UTF-16, shape (65536,)."""
    kinds = np.zeros(1 << 16, dtype=np.uint8)
    kinds[[ord(character) for character in SPACES]] = _IS_SPACE
    kinds[[ord(character) for character in INVISIBLE]] = _IS_INVISIBLE
    return kinds
