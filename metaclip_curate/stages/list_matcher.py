"""Matching with a list of entries that may be much longer than the texts.

Building the automaton of a list takes about 2 microseconds for each entry, which is most of the time of a small run.
While few texts have been searched, the automaton is therefore built of those entries only that may occur in the texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.matching import Matcher
from metaclip_curate.matching.entry_ends import EntryEnds
from metaclip_curate.matching.spacing import normal_entries, space_texts
from metaclip_curate.options.match import EntrySpacing, Normalization

# Bytes of text for each entry up to which the texts are few. With as many of real pages, 40 % of the entries may occur.
_FEW_BYTES = 8


class ListMatcher:
    """Finds the entries of one language in texts, exactly as `Matcher` does.

    Args:
        entries: The language's entries. An entry's id is its index.
        spacing: As for `Matcher`.
        normalize: As for `Matcher`.
    """

    def __init__(
        self, entries: Sequence[str], spacing: EntrySpacing = "metaclip2", normalize: Normalization = "nfc"
    ) -> None:
        self._entries = entries
        self._spacing: EntrySpacing = spacing
        self._normalize: Normalization = normalize
        self._searched = 0  # bytes
        self._ends: EntryEnds | None = None
        self._matcher: Matcher | None = None

    def match(self, texts: pa.StringArray) -> pa.ListArray:
        """Finds the entries that each text contains.

        Args:
            texts: n texts.

        Returns:
            n lists of entry ids, each ascending and without repeats (list<int32>).
        """
        if self._matcher is None:
            self._searched += pc.sum(pc.binary_length(texts)).as_py() or 0
            if self._searched <= _FEW_BYTES * len(self._entries):
                return self._match_few(texts)
            self._matcher = Matcher(self._entries, self._spacing, self._normalize)
            self._entries, self._ends = (), None
        return self._matcher.match(texts)

    def _match_few(self, texts: pa.StringArray) -> pa.ListArray:
        if self._ends is None:
            self._ends = EntryEnds(normal_entries(self._entries, self._spacing, self._normalize))
        ids = self._ends.possible(space_texts(texts.fill_null(""), self._spacing, self._normalize))
        possible = [self._entries[number] for number in ids.tolist()]
        found = Matcher(possible, self._spacing, self._normalize).match(texts)
        # The ids ascend, so that those of a text keep their order.
        return pa.ListArray.from_arrays(found.offsets, pa.array(ids).take(found.values))
