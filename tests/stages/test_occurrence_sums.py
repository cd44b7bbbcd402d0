"""Sums of the texts that contain each entry."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.stages.occurrence_sums import OccurrenceSums

ID_LISTS = st.lists(st.lists(st.integers(0, 30), max_size=10), max_size=8)


@pytest.mark.slow
@given(ID_LISTS, ID_LISTS)
def test_sums_of_sums_are_those_of_all_ids(first: list[list[int]], second: list[list[int]]) -> None:
    total = OccurrenceSums()
    for lists in (first, second):
        of_task = OccurrenceSums()
        for ids in lists:
            of_task.add("en", np.array(ids, dtype=np.int32))
        for language, entry_ids, counts in of_task.found():
            assert np.all(counts > 0)
            total.add(language, entry_ids, counts)
    expected = Counter(number for ids in [*first, *second] for number in ids)
    assert total.of("en", 31).tolist() == [expected[number] for number in range(31)]
    assert total.of("de", 2).tolist() == [0, 0]
