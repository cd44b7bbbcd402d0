from __future__ import annotations

from pathlib import Path

import pytest

from examples.make_pools import POOL_FOLDER, pool_rows, write_pools
from metaclip_curate.extract import InputStats, ReadOptions, read_pairs
from metaclip_curate.options.pool import PoolOptions


def read(path: Path) -> list[dict[str, object]]:
    options = ReadOptions(pool=PoolOptions(id_column="id", no_url="made-up"))
    stats = InputStats(path.name)
    rows = [row for batch in read_pairs(str(path), options, stats=stats) for row in batch.to_pylist()]
    assert stats.status == "ok", stats
    return rows


@pytest.mark.slow
def test_the_pools_that_ship_are_those_that_the_script_writes(tmp_path: Path) -> None:
    written = write_pools(tmp_path)
    assert {path.name for path in written} == {path.name for path in POOL_FOLDER.iterdir()}
    ids = []
    for path in written:
        rows = read(path)
        assert rows == read(POOL_FOLDER / path.name)
        ids += [row["source_id"] for row in rows]
    assert sorted(map(str, ids)) == sorted(row["id"] for row in pool_rows())
