"""Spaces around runs of katakana, which Japanese writes foreign words with.

Japanese has no spaces, so an entry has to be found inside a sentence. A run of katakana is a word, though: without
spaces around it, `カー` (car) would be found in `スカート` (skirt).
"""

from __future__ import annotations

import numpy as np

from metaclip_curate.matching.normalization import SEPARATOR

# Combining sound marks, which belong to the character that they follow.
SOUND_MARKS = "\u3099\u309a"
# The first byte of a katakana in UTF-8, and the bytes that follow it.
_BYTES = ((0xE3, (0x82, 0x83, 0x87)), (0xEF, (0xBD, 0xBE)))


def may_have_katakana(encoded: bytes) -> bool:
    """Returns whether a text can contain katakana; a quick test that is false for most languages.

    Args:
        encoded: Text in UTF-8.
    """
    octets = np.frombuffer(encoded, dtype=np.uint8)
    return any(bool(np.isin(octets[np.flatnonzero(octets == first) + 1], second).any()) for first, second in _BYTES)


def space_katakana(text: str) -> str:
    """Puts a space where a run of katakana begins or ends beside another character that isn't a space.

    Katakana are U+30A0-30FF without U+30FB (a middle dot between words), 31F0-31FF, and the half-width FF66-FF9F.

    Args:
        text: Text, or several texts that are joined by newlines.
    """
    # Every katakana is a single unit in UTF-16, and no half of a surrogate pair is one.
    units = np.frombuffer(text.encode("utf-16-le"), dtype="<u2")
    katakana = (units >= 0x30A0) & (units <= 0x31FF)
    katakana &= ((units <= 0x30FF) & (units != 0x30FB)) | (units >= 0x31F0)
    katakana |= (units >= 0xFF66) & (units <= 0xFF9F)
    if not katakana.any():
        return text
    marks = (units == ord(SOUND_MARKS[0])) | (units == ord(SOUND_MARKS[1]))
    if marks.any():
        katakana = katakana[np.maximum.accumulate(np.where(marks, 0, np.arange(len(units))))]
    is_space = (units == ord(" ")) | (units == ord(SEPARATOR))
    edges = (katakana[1:] != katakana[:-1]) & ~(is_space[1:] | is_space[:-1])
    return np.insert(units, np.flatnonzero(edges) + 1, ord(" ")).tobytes().decode("utf-16-le")
