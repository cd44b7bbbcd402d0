"""An Aho-Corasick automaton that finds the entries of whole arrays of texts.

Case matters. Overlapping and nested matches all count.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, cast

import ahocorasick_rs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.matching.normalization import SEPARATOR
from metaclip_curate.matching.spacing import space_texts, spaced_entries
from metaclip_curate.options.match import EntrySpacing, Normalization

_END_OF_TEXT = -1
# Keeps the matches of a call in the processor's cache, and bounds its memory.
_BYTES_PER_CALL = 1 << 18


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
    that are empty, contain a newline or aren't valid Unicode keep their id and never match. Entries that are equal
    after normalisation all match.

    Args:
        entries: The language's entries. An entry's id is its index.
        spacing: As for `spacing.spaced_entries`.
        normalize: As for `normalization.normalize_texts`, for entries and texts.
    """

    def __init__(
        self, entries: Iterable[str], spacing: EntrySpacing = "metaclip2", normalize: Normalization = "nfc"
    ) -> None:
        self._spacing, self._normalize = spacing, normalize
        patterns = (_pattern(spaced, entry_id) for entry_id, spaced in spaced_entries(entries, spacing, normalize))
        # With stored patterns the automaton returns these objects themselves, which takes the least time: no tuple and
        # no integers are created for a match. The separator is a pattern too: its matches mark the end of each text.
        self._automaton = ahocorasick_rs.AhoCorasick(
            chain(patterns, [_pattern(SEPARATOR, _END_OF_TEXT)]),
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
        spaced = space_texts(texts, self._spacing, self._normalize)
        found = self._automaton.find_matches_as_strings(spaced, overlapping=True)
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
