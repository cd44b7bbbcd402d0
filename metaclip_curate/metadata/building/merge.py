"""Several ranked sources become one list (spec section 3).

Sources come one after another, each from its best candidate on. A candidate that is in the list already is a repeat: it
takes no place of its source's and adds nothing, and the entry notes that this source has it too. A source is done
when it has added as many entries as its limit says, or has no candidate left.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pyarrow as pa

# Unicode's punctuation; the kinds of symbols that ASCII's punctuation has (math, currency, modifiers: + < = > $ ^ ` |);
# spaces, controls and characters without a meaning of their own. Pictographs and other symbols (So) are none.
PUNCTUATION = ("P", "Sm", "Sc", "Sk", "Z", "Cc", "Cf", "Co", "Cs")

ENTRIES = pa.schema(
    [
        pa.field("entry", pa.string()),
        pa.field("id", pa.int32()),  # its position in the list
        pa.field("source", pa.string()),  # numbers, wordnet, unigrams, bigrams or titles
        pa.field("rank", pa.int32()),  # its place among the source's candidates, from 1
        pa.field("score", pa.float64()),  # count, PMI or views; null for numbers and wordnet
        pa.field("also_in", pa.list_(pa.string())),  # later sources that have it within their limits
    ]
)


@dataclass(frozen=True)
class Candidates:
    """What a source offers.

    Attributes:
        source: Its name.
        entries: Different entries, the best first.
        scores: As many; None for a source without.
        most: The most entries it adds; None for no limit.
    """

    source: str
    entries: Sequence[str]
    scores: Sequence[float] | None = None
    most: int | None = None


@dataclass
class MergedList:
    """A list, and where each entry is from; everything is in the order of the entries.

    Attributes:
        entries: The entries; their ids are their positions.
        sources: The source that each came from.
        ranks: Its place among that source's candidates, from 1.
        scores: Its score there.
        also_in: The later sources that had it too; entries without are left out.
        repeats: By source, how many candidates were in the list already.
        added: By source, how many entries it added.
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
        """Takes the next source."""
        room = len(candidates.entries) if candidates.most is None else candidates.most
        repeats = added = 0
        for place, entry in enumerate(candidates.entries):
            if added == room:
                break
            entry_id = self._ids.setdefault(entry, len(self.entries))
            if entry_id < len(self.entries):
                repeats += 1
                self.also_in.setdefault(entry_id, []).append(candidates.source)
                continue
            self.entries.append(entry)
            self.sources.append(candidates.source)
            self.ranks.append(place + 1)
            self.scores.append(None if candidates.scores is None else float(candidates.scores[place]))
            added += 1
        self.repeats[candidates.source], self.added[candidates.source] = repeats, added

    def table(self) -> pa.Table:
        """Rows of `ENTRIES`."""
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
    """Whether no character of an entry is anything but punctuation (see `PUNCTUATION`); true of the empty string."""
    return all(unicodedata.category(character).startswith(PUNCTUATION) for character in entry)


def is_usable(entry: str, max_length: int) -> bool:
    """Whether an entry may stand in a list: neither punctuation only, nor too long, nor more than one line."""
    return len(entry) <= max_length and not is_only_punctuation(entry) and "\n" not in entry and "\r" not in entry
