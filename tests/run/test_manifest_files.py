"""A file of the manifest has the same bytes however its rows arrived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.run.manifest_files import part_name, write_part
from metaclip_curate.schemas import MANIFEST, kept_columns, with_kept
from metaclip_curate.storage import StorageOptions
from tests.support import made_run

ROWS = pa.Table.from_pylist(
    [row | {"keep_probability": 0.5, "draw": 0.25} for row in made_run.matched_rows(images=200, seed=1)],
    schema=MANIFEST,
)


def test_a_file_is_the_same_however_its_rows_arrived(tmp_path: Path) -> None:
    whole = write_part(str(tmp_path / "whole"), 3, ROWS, StorageOptions())
    pieces = pa.concat_tables([ROWS.slice(start, 7) for start in range(0, len(ROWS), 7)])
    cut = write_part(str(tmp_path / "cut"), 3, pieces, StorageOptions())
    assert whole == cut
    assert whole.name == part_name(3) == "part-00003.parquet"
    assert (tmp_path / "whole" / whole.name).read_bytes() == (tmp_path / "cut" / cut.name).read_bytes()
    assert whole.size == (tmp_path / "whole" / whole.name).stat().st_size
    assert pq.read_table(tmp_path / "cut" / cut.name).equals(ROWS)


@pytest.mark.slow
def test_other_tools_open_it_with_kept_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = kept_columns(["score", "tags", "url"], ["double", "list of string", "string"])
    own: dict[str, list[Any]] = {"score": [0.5, None] * (len(ROWS) // 2), "tags": [["a", "b"], None] * (len(ROWS) // 2)}
    rows = ROWS.slice(0, len(own["score"])).to_pydict() | own
    rows["pool_url"] = rows["url"]
    table = pa.table(rows, schema=with_kept(MANIFEST, kept))
    file = tmp_path / "manifest" / write_part(str(tmp_path / "manifest"), 0, table, StorageOptions()).name
    expected = [(row["uid"], row["score"], row["tags"]) for row in table.select(["uid", "score", "tags"]).to_pylist()]

    def opened(rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        return [(row["uid"], row["score"], None if row["tags"] is None else list(row["tags"])) for row in rows]

    frame = pandas.read_parquet(file.parent)
    assert frame["uid"].tolist() == [uid for uid, _, _ in expected]
    assert [None if tags is None else list(tags) for tags in frame["tags"]] == [tags for _, _, tags in expected]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    loaded = datasets.Dataset.from_parquet(str(file), cache_dir=str(tmp_path / "cache"))
    assert opened(loaded) == expected
    polars = pytest.importorskip("polars")
    assert opened(polars.read_parquet(file).to_dicts()) == expected
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"SELECT uid, score, tags FROM '{file}'").fetchall() == expected


def test_an_empty_manifest_has_one_file(tmp_path: Path) -> None:
    file = write_part(str(tmp_path), 0, MANIFEST.empty_table(), StorageOptions())
    assert file.rows == 0
    assert pq.read_schema(tmp_path / file.name).names == MANIFEST.names
