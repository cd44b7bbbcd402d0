"""Cuts of sorted batches."""

from __future__ import annotations

from itertools import groupby

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.stages.shared.sorted_batches import by_language, first_of_each_run


@given(st.lists(st.sampled_from("abc"), max_size=20), st.integers(1, 6))
def test_first_of_each_run_over_batches(values: list[str], size: int) -> None:
    column = pa.array(values, pa.string())
    batches = [
        pa.RecordBatch.from_arrays([column.slice(start, size)], names=["value"])
        for start in range(0, len(values), size)
    ]
    found = [value for batch in first_of_each_run(iter(batches), ["value"]) for value in batch.column(0).to_pylist()]
    assert found == [value for value, _ in groupby(values)]


@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_by_language_cuts_where_it_changes(values: list[str]) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(values, pa.string())], names=["metadata_lang"])
    found = [(language, rows.num_rows) for language, rows in by_language(batch)]
    assert found == [(language, len(list(run))) for language, run in groupby(values)]
