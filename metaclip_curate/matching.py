"""Which metadata entries a text contains: spacing, and the Aho-Corasick automaton behind `Matcher`.

A text matches an entry if the spaced text contains the spaced entry. The spacing turns a substring search into a search
for words in languages that put spaces between words, and leaves it a substring search in the others ("Meta CLIP 2",
arXiv 2507.22062, section 3). Case matters. Overlapping and nested matches all count.
"""

from __future__ import annotations

import string
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, cast, get_args

import ahocorasick_rs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

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

# Separates texts in the one string that the automaton runs over. No spaced text contains it.
_SEPARATOR = "\n"
_END_OF_TEXT = -1
_MARK_SPACING = {mark: f" {mark} " for mark in TEXT_MARKS}
_TEXT_SPACING = {"\t": " ", "\r": " "} | _MARK_SPACING
_TEXT_TABLE = str.maketrans({"\n": " "} | _TEXT_SPACING)
_MARK_TABLE = str.maketrans(_MARK_SPACING)
# The same in UTF-8, where these characters are single bytes that no other character contains.
_SEPARATOR_BYTE = _SEPARATOR.encode()
_BYTE_SPACING = tuple((character.encode(), spaced.encode()) for character, spaced in _TEXT_SPACING.items())
# Keeps the matches of a call in the processor's cache, and bounds its memory.
_BYTES_PER_CALL = 1 << 18


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


class _Pattern(str):
    """A spaced entry with its id, so that the automaton's matches needn't be looked up.

    Attributes:
        id: The entry's id, as an int32 in the machine's byte order; bytes are the fastest to join to an array.
    """

    __slots__ = ("id",)
    id: bytes


def _pattern(spaced: str, entry_id: int) -> _Pattern:
    pattern = _Pattern(spaced)
    pattern.id = entry_id.to_bytes(4, sys.byteorder, signed=True)
    return pattern


class Matcher:
    """Finds the entries of one language in texts.

    The automaton is built once. It can't be pickled, so each worker builds those it needs from the entries. Entries
    that are empty, contain a newline or aren't valid Unicode keep their id and never match.

    Args:
        entries: The language's entries. An entry's id is its index.
        spacing: As for `space_entry`.
    """

    def __init__(self, entries: Iterable[str], spacing: EntrySpacing = "metaclip2") -> None:
        spaced = (
            _pattern(space_entry(entry, spacing), entry_id)
            for entry_id, entry in enumerate(entries)
            if _can_match(entry)
        )
        # With stored patterns the automaton returns these objects themselves, which takes the least time: no tuple and
        # no integers are created for a match. The separator is a pattern too: its matches mark the end of each text.
        self._automaton = ahocorasick_rs.AhoCorasick(
            chain(spaced, [_pattern(_SEPARATOR, _END_OF_TEXT)]),
            matchkind=ahocorasick_rs.MatchKind.Standard,
            store_patterns=True,
            implementation=ahocorasick_rs.Implementation.ContiguousNFA,
        )

    def match(self, texts: Any) -> pa.ListArray:
        """Finds the entries that each text contains.

        Args:
            texts: n texts, a pyarrow string array or anything that `pyarrow.array` takes. A null matches nothing.

        Returns:
            n lists of entry ids, each ascending and without repeats (list<int32>).
        """
        # Many texts repeat, so each distinct one is searched once.
        encoded = _string_array(texts).dictionary_encode()
        found = self._match_distinct(encoded.dictionary)
        return found if len(found) == len(encoded) else found.take(encoded.indices)

    def _match_distinct(self, texts: pa.StringArray) -> pa.ListArray:
        lengths, ids = [np.zeros(1, dtype=np.int64)], [np.empty(0, dtype=np.int32)]
        for chunk in _chunks(texts):
            rows, entry_ids = self._match_chunk(chunk)
            lengths.append(np.bincount(rows, minlength=len(chunk)))
            ids.append(entry_ids)
        offsets = np.cumsum(np.concatenate(lengths)).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(ids)))

    def _match_chunk(self, texts: pa.StringArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """Returns text indices and entry ids of all matches, in ascending order of both, without repeats."""
        found = self._automaton.find_matches_as_strings(_space_and_join(texts), overlapping=True)
        ids = np.frombuffer(b"".join([pattern.id for pattern in cast(list[_Pattern], found)]), dtype=np.int32)
        ends = ids == _END_OF_TEXT
        matches = ((np.cumsum(ends) << 32) | ids)[~ends]
        matches.sort(kind="stable")  # fast, since most are in order already
        is_first = np.ones(len(matches), dtype=np.bool_)
        np.not_equal(matches[1:], matches[:-1], out=is_first[1:])
        matches = matches[is_first]
        return matches >> 32, matches.astype(np.int32)  # the lower half


def _string_array(texts: Any) -> pa.StringArray:
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    array = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())
    return array.cast(pa.string()).fill_null("")


def _chunks(texts: pa.StringArray) -> Iterator[pa.StringArray]:
    """Divides texts into slices of up to _BYTES_PER_CALL bytes. A longer text has a slice of its own."""
    ends = np.cumsum(pc.binary_length(texts).to_numpy(zero_copy_only=False), dtype=np.int64)
    start = 0
    while start < len(texts):
        before = ends[start - 1] if start else 0
        end = max(int(np.searchsorted(ends, before + _BYTES_PER_CALL, side="right")), start + 1)
        yield texts.slice(start, end - start)
        start = end


def _space_and_join(texts: pa.StringArray) -> str:
    """Spaces texts as `space_text` does and joins them with separators, in a few passes over all bytes."""
    joined = _join(texts)
    if joined.count(_SEPARATOR_BYTE) >= len(texts):  # a text contains newlines
        joined = _join(pc.replace_substring(texts, _SEPARATOR, " "))
    for character, spaced in _BYTE_SPACING:
        joined = joined.replace(character, spaced)
    return f" {joined.decode()} {_SEPARATOR}"


def _join(texts: pa.StringArray) -> bytes:
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    joined: bytes = pc.binary_join(whole, f" {_SEPARATOR} ")[0].as_buffer().to_pybytes()
    return joined


def _can_match(entry: str) -> bool:
    if not entry or _SEPARATOR in entry:
        return False
    try:
        entry.encode()
    except UnicodeEncodeError:  # a lone surrogate; texts are valid UTF-8
        return False
    return True
