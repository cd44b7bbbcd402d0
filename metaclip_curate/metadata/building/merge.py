"""Merging several ranked sources into one list (spec section 3).

Sources are added one after another, each from its best candidate on. A candidate that is already in the list is a
repeat: it doesn't count towards the limit of its source, and the entry records that this source has it too. A source is
finished when it has added as many entries as its limit allows, or has no candidates left.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pyarrow as pa

# Unicode's punctuation; the kinds of symbols among ASCII's punctuation (math, currency, modifiers: + < = > $ ^ ` |);
# spaces, controls and characters without a meaning of their own. Pictographs and other symbols (So) aren't punctuation.
PUNCTUATION = ("P", "Sm", "Sc", "Sk", "Z", "Cc", "Cf", "Co", "Cs")

ENTRIES = pa.schema(
    [
        pa.field("entry", pa.string()),
        pa.field("id", pa.int32()),  # its position in the list
        pa.field("source", pa.string()),  # numbers, wordnet, unigrams, bigrams or titles
        pa.field("rank", pa.int32()),  # position among the candidates of its source, from 1
        pa.field("score", pa.float64()),  # count, PMI or views; null for numbers and wordnet
        pa.field("also_in", pa.list_(pa.string())),  # later sources that have it within their limits
    ]
)


@dataclass(frozen=True)
class Candidates:
    """The candidates of a source.

    Attributes:
        source: Name of the source.
        entries: Distinct entries, the best first.
        scores: Score of each entry; None for a source without scores.
        most: Largest number of entries to add. Default: None, no limit.
    """

    source: str
    entries: Sequence[str]
    scores: Sequence[float] | None = None
    most: int | None = None


@dataclass
class MergedList:
    """A list with the source of each entry. All sequences are in the order of the entries.

    Attributes:
        entries: The entries; their ids are their positions.
        sources: Source of each entry.
        ranks: Position of each entry among the candidates of its source, from 1.
        scores: Score of each entry in its source.
        also_in: Later sources that have an entry too, by id; entries that are in no other source are left out.
        repeats: Number of candidates that were already in the list, by source.
        added: Number of entries that were added, by source.
    """

    entries: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    also_in: dict[int, list[str]] = field(default_factory=dict)
    repeats: dict[str, int] = field(default_factory=dict)
    added: dict[str, int] = field(default_factory=dict)
    _ids: dict[str, int] = field(default_factory=dict)

    def add(self, candidates: Candidates) -> None:
        """Adds the next source."""
        room = len(candidates.entries) if candidates.most is None else candidates.most
        repeats = added = 0
        for position, entry in enumerate(candidates.entries):
            if added == room:
                break
            entry_id = self._ids.setdefault(entry, len(self.entries))
            if entry_id < len(self.entries):
                repeats += 1
                self.also_in.setdefault(entry_id, []).append(candidates.source)
                continue
            self.entries.append(entry)
            self.sources.append(candidates.source)
            self.ranks.append(position + 1)
            self.scores.append(None if candidates.scores is None else float(candidates.scores[position]))
            added += 1
        self.repeats[candidates.source], self.added[candidates.source] = repeats, added

    def table(self) -> pa.Table:
        """Returns the list as rows of `ENTRIES`."""
        others = [self.also_in.get(entry, []) for entry in range(len(self.entries))]
        ends = np.cumsum([0, *map(len, others)], dtype=np.int32)
        columns = [
            pa.array(self.entries, pa.string()),
            pa.array(range(len(self.entries)), pa.int32()),
            pa.array(self.sources, pa.string()),
            pa.array(self.ranks, pa.int32()),
            pa.array(self.scores, pa.float64()),
            pa.ListArray.from_arrays(ends, pa.array(list(chain.from_iterable(others)), pa.string())),
        ]
        return pa.Table.from_arrays(columns, schema=ENTRIES)


def is_only_punctuation(entry: str) -> bool:
    """Returns whether all characters of an entry are punctuation (see `PUNCTUATION`); true for the empty string."""
    return all(unicodedata.category(character).startswith(PUNCTUATION) for character in entry)


def is_usable(entry: str, max_length: int) -> bool:
    """Returns whether a list may have an entry: not only punctuation, not too long, and a single line."""
    return len(entry) <= max_length and not is_only_punctuation(entry) and "\n" not in entry and "\r" not in entry
