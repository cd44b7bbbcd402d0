"""Which metadata entries a text contains: spacing, and the Aho-Corasick automaton behind `Matcher`.

A text matches an entry when the spaced text contains the spaced entry. The spacing turns a substring search into a
search for words in languages that put spaces between words, and leaves it a substring search in those that do not
("Meta CLIP 2", arXiv 2507.22062, section 3). Case matters. Overlapping and nested matches all count.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

import ahocorasick_rs
import numpy as np
import pyarrow as pa

EntrySpacing = Literal["metaclip2", "metaclip1", "symmetric"]
ENTRY_SPACINGS: tuple[EntrySpacing, ...] = get_args(EntrySpacing)

TEXT_MARKS = ",.;:?!`"
PUNCTUATION = frozenset(string.punctuation + "，。、；：？！“”‘’（）【】《》〈〉「」『』～—")
# First and last code points of scripts whose words are not set apart by spaces.
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

# Stands between texts in the one string that the automaton runs over; no spaced text contains it.
_SEPARATOR = "\n"
_TEXT_TABLE = str.maketrans({"\t": " ", "\n": " ", "\r": " "} | {mark: f" {mark} " for mark in TEXT_MARKS})
_MARK_TABLE = str.maketrans({mark: f" {mark} " for mark in TEXT_MARKS})
# Bounds the joined string and the list of matches, whatever the caller passes.
_TEXTS_PER_CALL = 4096
_CHARACTERS_PER_CALL = 1 << 20


def space_text(text: str) -> str:
    """Spaces a text: a space at both ends and around each of , . ; : ? ! `; tab, newline and return become spaces.

    Args:
        text: Any text.

    Returns:
        The spaced text, in which spaced entries are searched.
    """
    return f" {text.translate(_TEXT_TABLE)} "


def space_entry(entry: str, spacing: EntrySpacing = "metaclip2") -> str:
    """Spaces a metadata entry.

    Args:
        entry: A non-empty entry.
        spacing: `metaclip2` puts a space before the entry unless its first character is of a script without spaces or
            punctuation, and likewise after it by its last character. `metaclip1` always puts both. `symmetric` is
            `metaclip2` with the marks in the entry spaced as in a text, so that `St. Louis` can match.

    Returns:
        The string that is searched in spaced texts.

    Raises:
        ValueError: The entry is empty or the spacing is not one of the three.
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


def _stands_alone(character: str) -> bool:
    code = ord(character)
    return character in PUNCTUATION or any(first <= code <= last for first, last in UNSPACED_RANGES)


class Matcher:
    """Finds the entries of one language in texts.

    The automaton is built once; a Matcher can't be pickled, so each worker builds those it needs from the entries.
    Entries that are empty, contain a newline or are not valid Unicode keep their id and never match.

    Args:
        entries: The language's entries; an entry's id is its position.
        spacing: See `space_entry`.
    """

    def __init__(self, entries: Iterable[str], spacing: EntrySpacing = "metaclip2") -> None:
        self._slot_of: dict[str, int] = {}
        first_ids: list[int] = []
        # Entries that are spaced to the same string (duplicates in the list) share a slot.
        self._more_ids: dict[int, list[int]] = {}
        for entry_id, entry in enumerate(entries):
            if not _can_match(entry):
                continue
            spaced = space_entry(entry, spacing)
            slot = self._slot_of.setdefault(spaced, len(first_ids))
            if slot == len(first_ids):
                first_ids.append(entry_id)
            else:
                self._more_ids.setdefault(slot, []).append(entry_id)
        self._entry_of_slot = np.array(first_ids, dtype=np.int64)
        self._separator_slot = len(first_ids)
        self._slot_of[_SEPARATOR] = self._separator_slot
        # Returning the pattern strings, which exist already, is the cheapest call: no tuple and no integers are made
        # for a match. The separator is a pattern too, so that its matches tell where each text ends.
        self._automaton = ahocorasick_rs.AhoCorasick(
            self._slot_of,
            matchkind=ahocorasick_rs.MatchKind.Standard,
            store_patterns=True,
            implementation=ahocorasick_rs.Implementation.ContiguousNFA,
        )

    def match(self, texts: Any) -> pa.ListArray:
        """Finds the entries that each text contains.

        Args:
            texts: n texts, a pyarrow string array or anything `pyarrow.array` takes; a null matches nothing.

        Returns:
            n lists of entry ids, each ascending and without repeats (list<int32>).
        """
        strings: Sequence[str | None] = (
            texts.to_pylist()
            if isinstance(texts, pa.Array | pa.ChunkedArray)
            else pa.array(texts, pa.string()).to_pylist()
        )
        counts: list[np.ndarray] = []
        ids: list[np.ndarray] = []
        for chunk in _chunks(strings):
            chunk_counts, chunk_ids = self._match_chunk(chunk)
            counts.append(chunk_counts)
            ids.append(chunk_ids)
        offsets = np.zeros(len(strings) + 1, dtype=np.int32)
        if counts:
            np.cumsum(np.concatenate(counts), out=offsets[1:])
        values = np.concatenate(ids) if ids else np.empty(0, dtype=np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, pa.int32()))

    def _match_chunk(self, texts: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the number of entries of each text, and all entry ids one after the other."""
        cleaned = [text.translate(_TEXT_TABLE) if text else "" for text in texts]
        joined = f" {f' {_SEPARATOR} '.join(cleaned)} {_SEPARATOR}"
        found = self._automaton.find_matches_as_strings(joined, overlapping=True)
        slots = np.fromiter(map(self._slot_of.__getitem__, found), dtype=np.int64, count=len(found))
        ends = slots == self._separator_slot
        rows = np.cumsum(ends)[~ends]
        slots = slots[~ends]
        entry_ids = self._entry_of_slot[slots]
        if self._more_ids:
            rows, entry_ids = self._add_duplicates(rows, slots, entry_ids)
        keys = np.unique((rows << 32) | entry_ids)
        counts = np.bincount(keys >> 32, minlength=len(texts))
        return counts, (keys & 0xFFFFFFFF).astype(np.int32)

    def _add_duplicates(
        self, rows: np.ndarray, slots: np.ndarray, entry_ids: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        repeated = np.flatnonzero(np.isin(slots, np.fromiter(self._more_ids, dtype=np.int64)))
        more_rows = [
            row for row, slot in zip(rows[repeated], slots[repeated], strict=True) for _ in self._more_ids[slot]
        ]
        more_ids = [entry_id for slot in slots[repeated] for entry_id in self._more_ids[slot]]
        return (
            np.concatenate([rows, np.array(more_rows, dtype=np.int64)]),
            np.concatenate([entry_ids, np.array(more_ids, dtype=np.int64)]),
        )


def _can_match(entry: str) -> bool:
    if not entry or _SEPARATOR in entry:
        return False
    try:
        entry.encode()
    except UnicodeEncodeError:  # a lone surrogate; texts are valid UTF-8
        return False
    return True


def _chunks(texts: Sequence[str | None]) -> Iterable[Sequence[str | None]]:
    start = characters = 0
    for index, text in enumerate(texts):
        characters += len(text) if text else 0
        if characters >= _CHARACTERS_PER_CALL or index + 1 - start >= _TEXTS_PER_CALL:
            yield texts[start : index + 1]
            start, characters = index + 1, 0
    if start < len(texts):
        yield texts[start:]
