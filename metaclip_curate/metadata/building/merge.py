"""Merging several ranked sources into one list (spec section 3).

Sources are added one after another, each from its best candidate on. A candidate that is already in the list is a
repeat: it doesn't count towards the limit of its source, and the entry records that this source has it too. A source is
finished when it has added as many entries as its limit allows, or has no candidates left.

A language can have several Wikipedias. The limits hold for each of them by itself: what another Wikipedia added is no
repeat, and the list is the union. Numbers and names of synsets belong to the language and are in the list of each.
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
        pa.field("wikipedia", pa.string()),  # code of the edition; empty for numbers and wordnet
        pa.field("rank", pa.int32()),  # position among the candidates of its source, from 1
        pa.field("score", pa.float64()),  # count, PMI or views; null for numbers and wordnet
        # Later sources that have it within their limits; another Wikipedia's with its code, as "titles of simple".
        pa.field("also_in", pa.list_(pa.string())),
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
        wikipedia: Code of the Wikipedia; empty for a source that belongs to the language.
    """

    source: str
    entries: Sequence[str]
    scores: Sequence[float] | None = None
    most: int | None = None
    wikipedia: str = ""


@dataclass(frozen=True)
class Taken:
    """What a list took of a source.

    Attributes:
        limit: Largest number of entries to take; None without a limit.
        taken: Number of entries that were taken, which weren't in the list of the source's Wikipedia before.
        entries: Number of these that weren't in the list of an earlier Wikipedia either.
        repeats: Number of candidates that were passed over because the list of the source's Wikipedia has them.
        last: The last entry that was taken; None if there is none.
        last_score: Its score; None without scores.
    """

    limit: int | None
    taken: int
    entries: int
    repeats: int
    last: str | None
    last_score: float | None


@dataclass
class MergedList:
    """A list with the source of each entry. All sequences are in the order of the entries.

    Attributes:
        entries: The entries; their ids are their positions.
        sources: Source of each entry.
        wikipedias: Code of the Wikipedia of each entry; empty for sources that belong to the language.
        ranks: Position of each entry among the candidates of its source, from 1.
        scores: Score of each entry in its source.
        also_in: Later sources that have an entry too, by id; entries that are in no other source are left out.
    """

    entries: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    wikipedias: list[str] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    also_in: dict[int, list[str]] = field(default_factory=dict)
    _ids: dict[str, int] = field(default_factory=dict)
    _shared: int = 0  # entries of numbers and wordnet, which come first
    _of_wikipedia: dict[str, set[str]] = field(default_factory=dict)

    def add(self, candidates: Candidates) -> Taken:
        """Adds the next source. Those that belong to the language come before those of its Wikipedias."""
        own = self._of_wikipedia.setdefault(candidates.wikipedia, set())
        room = len(candidates.entries) if candidates.most is None else candidates.most
        taken = repeats = 0
        last = None
        before = len(self.entries)
        for position, entry in enumerate(candidates.entries):
            if taken == room:
                break
            entry_id = self._ids.setdefault(entry, len(self.entries))
            known = entry_id < len(self.entries)
            if known:
                self._note_other(entry_id, candidates)
            if entry in own or (known and entry_id < self._shared):
                repeats += 1
                continue
            own.add(entry)
            taken, last = taken + 1, position
            if not known:
                self._append(candidates, position)
        if not candidates.wikipedia:
            self._shared = len(self.entries)
        return Taken(
            limit=candidates.most,
            taken=taken,
            entries=len(self.entries) - before,
            repeats=repeats,
            last=None if last is None else candidates.entries[last],
            last_score=None if last is None or candidates.scores is None else float(candidates.scores[last]),
        )

    def known_to(self, wikipedia: str) -> int:
        """Returns the number of entries in the list of one Wikipedia, which its candidates may repeat."""
        return self._shared + len(self._of_wikipedia.get(wikipedia, ()))

    def _append(self, candidates: Candidates, position: int) -> None:
        self.entries.append(candidates.entries[position])
        self.sources.append(candidates.source)
        self.wikipedias.append(candidates.wikipedia)
        self.ranks.append(position + 1)
        self.scores.append(None if candidates.scores is None else float(candidates.scores[position]))

    def _note_other(self, entry_id: int, candidates: Candidates) -> None:
        other = self.wikipedias[entry_id] not in ("", candidates.wikipedia)
        name = f"{candidates.source} of {candidates.wikipedia}" if other else candidates.source
        names = self.also_in.setdefault(entry_id, [])
        if name not in names:
            names.append(name)

    def table(self) -> pa.Table:
        """Returns the list as rows of `ENTRIES`."""
        others = [self.also_in.get(entry, []) for entry in range(len(self.entries))]
        ends = np.cumsum([0, *map(len, others)], dtype=np.int32)
        columns = [
            pa.array(self.entries, pa.string()),
            pa.array(range(len(self.entries)), pa.int32()),
            pa.array(self.sources, pa.string()),
            pa.array(self.wikipedias, pa.string()),
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
