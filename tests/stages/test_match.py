"""The parts of matching that need no session: partition sizes, and the choice among equal uids."""

from __future__ import annotations

from itertools import groupby, pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from metaclip_curate.stages.match import plan_partitions
from metaclip_curate.stages.match_task import KNOWN, SUPERSEDING, first_of_each_uid

sizes = st.dictionaries(st.text("abcdefg", min_size=1, max_size=3), st.integers(0, 5000), max_size=40)


@settings(deadline=None)
@given(sizes, st.integers(1, 1000))
def test_partitions_are_used_once_and_hold_what_they_should(pairs: dict[str, int], per_task: int) -> None:
    shares, partitions = plan_partitions(pairs, per_task)
    assert shares.keys() == pairs.keys()
    loads = [0] * partitions
    languages = [0] * partitions
    for language, share in shares.items():
        for place in range(share.first, share.first + share.splits):
            loads[place] += -(-pairs[language] // share.splits)
            languages[place] += 1
    assert all(languages)
    assert all(load <= per_task for load in loads)
    # A large language shares with no other.
    assert all(languages[share.first] == 1 for language, share in shares.items() if pairs[language] > per_task)
    # Not many more than the pairs need: small languages are put together.
    assert partitions <= 2 * sum(pairs.values()) // per_task + len(pairs) + 1


def test_small_languages_share_a_partition() -> None:
    shares, partitions = plan_partitions({f"l{n:03d}": 10 for n in range(300)} | {"en": 5000}, 1000)
    assert partitions == 5 + 3
    assert shares["en"].splits == 5


rows = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 3), st.booleans()), max_size=30)


@settings(deadline=None)
@given(rows, st.lists(st.integers(0, 30), max_size=5))
def test_of_equal_uids_the_first_stays_unless_it_is_known(
    unsorted: list[tuple[str, int, bool]], cuts: list[int]
) -> None:
    ordered = sorted(unsorted, key=lambda row: row[:2])
    columns = [[row[place] for row in ordered] for place in range(3)]
    batch = pa.RecordBatch.from_arrays(
        [pa.array(columns[0], pa.string()), pa.array(columns[1], pa.int64()), pa.array(columns[2], pa.bool_())],
        names=["uid", "key", KNOWN],
    )
    edges = sorted({0, *(min(cut, len(ordered)) for cut in cuts), len(ordered)})
    batches = [batch.slice(start, end - start) for start, end in pairwise(edges)]
    expected = []
    for _, group in groupby(ordered, key=lambda row: row[0]):
        run = list(group)
        if not run[0][2]:
            expected.append({"uid": run[0][0], "key": run[0][1], SUPERSEDING: any(known for *_, known in run)})
    found = [row for piece in first_of_each_uid(iter(batches)) for row in piece.to_pylist()]
    assert found == expected
