"""A file of the manifest has the same bytes however its rows arrived."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate.run.manifest_files import part_name, write_part
from metaclip_curate.schemas import MANIFEST
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


def test_an_empty_manifest_has_one_file(tmp_path: Path) -> None:
    file = write_part(str(tmp_path), 0, MANIFEST.empty_table(), StorageOptions())
    assert file.rows == 0
    assert pq.read_schema(tmp_path / file.name).names == MANIFEST.names
