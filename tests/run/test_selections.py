"""The records of a selection, of which a worker reads a few, and selections that are damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.extract.crawl_index import IndexQuery, records_digest, selected_name
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.selections import (
    RECORDS,
    RECORDS_PER_GROUP,
    Selections,
    read_ranges,
    selection_folder,
    write_records,
    write_warcs,
)
from metaclip_curate.storage import StorageOptions

QUERY = IndexQuery("CC-MAIN-2025-30", languages=("hau", "swa"), limit=9, seed=3)
WARCS = {"a.warc.gz": 3, "b.warc.gz": 2 * RECORDS_PER_GROUP, "c.warc.gz": 5}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run folder with a selection of three WARCs, of which one has records in three row groups."""
    found = RunFolder(str(tmp_path / "run"))
    rows: list[dict[str, Any]] = []
    offsets = np.arange(sum(WARCS.values()), dtype=np.int64) * 7
    first = 0
    for warc, records in WARCS.items():
        mine = offsets[first : first + records]
        path = selected_name(warc, records_digest(mine, np.full(records, 5)))
        rows.append(
            {
                "path": path,
                "file": "part-00000.parquet",
                "first_row": first,
                "records": records,
                "bytes": 5,
                "requests": 1,
            }
        )
        first += records
    names = [warc for warc, records in WARCS.items() for _ in range(records)]
    table = pa.table([names, offsets, np.full(len(offsets), 5)], schema=RECORDS)
    write_records(f"{selection_folder(found, QUERY.name)}/part-00000.parquet", table, StorageOptions())
    assert Selections(found).warcs(QUERY.name) is None
    write_warcs(found, QUERY, rows[::-1])
    return found


def paths_of(selections: Selections) -> list[str]:
    table: Any = selections.warcs(QUERY.name)
    found: list[str] = table.column("path").to_pylist()
    return found


def test_the_records_of_each_warc(folder: RunFolder) -> None:
    paths = paths_of(Selections(folder))
    assert paths == sorted(paths)
    selected = Selections(folder).of([*paths, "other.warc.gz", "d.warc.gz#0123456789abcdef"])
    assert sorted(selected) == paths
    first = 0
    for path, (warc, records) in zip(paths, WARCS.items(), strict=True):
        assert selected[path].warc == warc
        ranges = read_ranges(selected[path], StorageOptions())
        assert ranges == [(number * 7, 5) for number in range(first, first + records)]
        first += records


def test_the_query_is_recorded(folder: RunFolder, tmp_path: Path) -> None:
    fields = {
        "crawl": "CC-MAIN-2025-30",
        "languages": ["hau", "swa"],
        "hosts": [],
        "limit": 9,
        "sample": 1.0,
        "seed": 3,
        "pages": sum(WARCS.values()),
        "warcs": 3,
    }
    assert Selections(folder).queries() == {QUERY.name: fields}
    assert Selections(RunFolder(str(tmp_path / "other"))).queries() == {}


def test_a_selection_that_was_changed(folder: RunFolder) -> None:
    selections = Selections(folder)
    selected = list(selections.of(paths_of(selections)).values())
    file = Path(selected[0].url)
    table = pq.read_table(file)
    write_records(str(file), table.slice(1), StorageOptions())
    for each in selected:
        with pytest.raises(UserError, match=r"part-00000\.parquet was changed after the run wrote it: remove its"):
            read_ranges(each, StorageOptions())
    file.write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"part-00000\.parquet was changed after the run wrote it"):
        read_ranges(selected[0], StorageOptions())
    warcs = file.with_name("warcs.parquet")
    warcs.write_bytes(warcs.read_bytes()[:-5])
    with pytest.raises(UserError, match=r"warcs\.parquet was changed after the run wrote it"):
        Selections(folder).warcs(QUERY.name)
