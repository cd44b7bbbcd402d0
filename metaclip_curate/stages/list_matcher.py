"""Matching with a list of entries that may be much longer than the texts.

Building the automaton of a list takes about 3 microseconds for each entry, which is most of the time of a small run. A
text contains an entry only if it contains the entry's first characters and its last ones. While few texts have been
searched, the automaton is therefore built of the entries that pass this test, which takes a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.matching import Matcher
from metaclip_curate.matching.normalization import SEPARATOR, normalize_entries
from metaclip_curate.matching.spacing import space_texts
from metaclip_curate.options.match import EntrySpacing, Normalization

# Of an entry, this many characters at its start and its end are compared.
_CHARACTERS = 8
# The pieces of the texts take about _CHARACTERS / 8 microseconds for each character. While the texts have no more
# characters than this share of the number of entries, that is little beside building the whole automaton.
_FEW = 1 / 8


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
        self._searched = 0  # characters
        self._matcher: Matcher | None = None

    def match(self, texts: pa.StringArray) -> pa.ListArray:
        """Finds the entries that each text contains.

        Args:
            texts: n texts.

        Returns:
            n lists of entry ids, each ascending and without repeats (list<int32>).
        """
        if self._matcher is None:
            self._searched += pc.sum(pc.utf8_length(texts)).as_py() or 0
            # The other spacings add characters within an entry.
            if self._spacing in ("metaclip1", "metaclip2") and self._searched <= _FEW * len(self._entries):
                return self._match_few(texts)
            self._matcher = Matcher(self._entries, self._spacing, self._normalize)
            self._entries = ()
        return self._matcher.match(texts)

    def _match_few(self, texts: pa.StringArray) -> pa.ListArray:
        ids = possible_entries(self._entries, texts, self._normalize)
        possible = [self._entries[number] for number in ids.tolist()]
        found = Matcher(possible, self._spacing, self._normalize).match(texts)
        # The ids ascend, so that those of a text keep their order.
        return pa.ListArray.from_arrays(found.offsets, pa.array(ids).take(found.values))


def possible_entries(
    entries: Sequence[str], texts: pa.StringArray, normalize: Normalization = "nfc"
) -> npt.NDArray[np.int32]:
    """Returns the entries whose first and last characters occur in a text.

    Args:
        entries: Entries of a language.
        texts: Texts.
        normalize: As for `Matcher`.

    Returns:
        Ids of all entries that a text contains and perhaps of others, ascending.
    """
    spaced = space_texts(texts.fill_null(""), normalize=normalize).split(SEPARATOR)
    pieces = pa.array(_pieces(spaced), pa.string())
    listed = pa.array(normalize_entries(entries, normalize), pa.string())
    first = pc.is_in(pc.utf8_slice_codeunits(listed, 0, _CHARACTERS), value_set=pieces)
    ids = np.flatnonzero(first.to_numpy(zero_copy_only=False)).astype(np.int32)
    last = pc.is_in(pc.utf8_slice_codeunits(listed.take(pa.array(ids)), -_CHARACTERS, None), value_set=pieces)
    possible: npt.NDArray[np.int32] = ids[last.to_numpy(zero_copy_only=False)]
    return possible


def _pieces(texts: Sequence[str]) -> list[str]:
    """Returns all pieces of up to _CHARACTERS characters of spaced texts."""
    pieces: set[str] = set()
    for spaced in set(texts):
        for length in range(1, _CHARACTERS + 1):
            pieces.update(spaced[start : start + length] for start in range(len(spaced) - length + 1))
    return list(pieces)
