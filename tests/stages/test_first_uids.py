"""Which row of each uid stays, without Spark."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaclip_curate.stages import first_uids
from metaclip_curate.stages.first_uids import UidRows

# Halves from few values, so that uids repeat, and that some are equal in one half alone.
halves = st.sampled_from([0, 1, 2**63, 2**64 - 1])
row = st.tuples(halves, halves, st.integers(0, 3), st.integers(0, 5))


def rows_of(rows: list[tuple[int, int, int, int]]) -> UidRows:
    columns = [np.array([each[place] for each in rows], np.uint64) for place in range(4)]
    return UidRows(columns[0], columns[1], first_uids.positions(columns[2], columns[3]))


def position(each: tuple[int, int, int, int]) -> int:
    return each[2] * 2**32 + each[3]


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(row, max_size=40), st.lists(row, max_size=20))
def test_the_first_row_stays_unless_its_uid_is_known(
    new: list[tuple[int, int, int, int]], known: list[tuple[int, int, int, int]]
) -> None:
    # Files of known rows have other ranks than files of new ones.
    new = [(high, low, 2 * rank, number) for high, low, rank, number in new]
    known = [(high, low, 2 * rank + 1, number) for high, low, rank, number in known]
    first: dict[tuple[int, int], int] = {}
    for each in new:
        first[each[:2]] = min(first.get(each[:2], 2**64), position(each))
    of_known = {each[:2]: min(position(other) for other in known if other[:2] == each[:2]) for each in known}
    found = first_uids.first_rows(rows_of(new), rows_of(known))
    assert found.positions.tolist() == sorted(place for uid, place in first.items() if uid not in of_known)
    assert found.superseding == sum(place < of_known.get(uid, -1) for uid, place in first.items())


@settings(deadline=None)
@given(st.lists(row, max_size=20))
def test_rows_travel_as_bytes(rows: list[tuple[int, int, int, int]]) -> None:
    sent = rows_of(rows)
    data = sent.to_bytes()
    assert len(data) == 24 * len(rows)
    for before, after in zip(sent, UidRows.from_bytes(data), strict=True):
        assert before.tolist() == after.tolist()


def test_a_uid_is_two_numbers_that_sort_as_it_does() -> None:
    uids = ["00000000000000010000000000000002", "ff00000000000000000000000000000a", "0" * 32]
    high, low = first_uids.split_uids(pa.array(["x" * 32, *uids]).slice(1))
    assert high.tolist() == [1, 0xFF << 56, 0]
    assert low.tolist() == [2, 10, 0]
    with pytest.raises(ValueError, match="32 hex digits"):
        first_uids.split_uids(pa.array(["abc"]))


def test_the_rows_of_a_file() -> None:
    places = np.sort(first_uids.positions([0, 1, 1, 2, 1], [7, 3, 0, 0, 2**32 - 1]))
    assert [first_uids.rows_of_file(places, rank).tolist() for rank in range(4)] == [[7], [0, 3, 2**32 - 1], [0], []]
    assert first_uids.ranks_of(places).tolist() == [0, 1, 1, 1, 2]


@pytest.mark.parametrize("parts", [1, 3, 70_000])
def test_rows_are_grouped_by_a_number(parts: int) -> None:
    numbers = np.array([2, 0, 2, 2, 0]) % parts
    order, groups = first_uids.split_by(numbers, parts)
    found = {number: order[some].tolist() for number, some in groups}
    assert found == {number: np.flatnonzero(numbers == number).tolist() for number in set(numbers.tolist())}
