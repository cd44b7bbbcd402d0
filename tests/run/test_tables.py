"""A run's tables without Spark: small ones as rows, large ones as datasets, and damage by the file's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.run.file_list import FileList
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import ExtractPart
from metaclip_curate.run.stages import remedy
from metaclip_curate.run.tables import damage_named, language_counts, open_table, read_columns, write_part
from metaclip_curate.schemas import MATCHED
from tests.support import made_run
from tests.support.made_run import Rows


@pytest.fixture
def made(tmp_path: Path) -> tuple[RunFolder, dict[str, Rows]]:
    """A finished run, and the rows of its tables."""
    rows = made_run.write_run(tmp_path / "run", made_run.matched_rows(images=60, seed=1))
    return RunFolder(str(tmp_path / "run")), rows


def extracted(root: Path) -> RunFolder:
    folder = RunFolder(str(root))
    folder.begin("extract", {}, "")
    for part, path in (("00001", "b.wat"), ("00000", "a.wat")):
        rows = pa.table({"path": [path], "pairs": [1]})
        files = {table: write_part(folder, table, part, rows) for table in ("pairs", "inputs")}
        folder.commit_part("extract", part, ExtractPart(files=1), FileList(files))
    return folder


def test_parts_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = extracted(tmp_path)
    folder.begin_parts("extract", ["00002"])
    write_part(folder, "inputs", "00002", pa.table({"path": ["not committed"], "pairs": [1]}))
    assert read_columns(folder, "extract", "inputs", ["path"]).to_pylist() == [{"path": "a.wat"}, {"path": "b.wat"}]
    assert read_columns(folder, "extract", "inputs", ["path"], ["00001"]).to_pylist() == [{"path": "b.wat"}]
    assert read_columns(folder, "extract", "inputs", ["path"], []).num_rows == 0


def test_a_table_without_parts_must_be_finished(made: tuple[RunFolder, dict[str, Rows]], tmp_path: Path) -> None:
    folder, rows = made
    found = read_columns(folder, "balance", "thresholds", ["metadata_lang", "t"]).to_pylist()
    assert found == [{"metadata_lang": row["metadata_lang"], "t": row["t"]} for row in rows["thresholds"]]
    with pytest.raises(UserError, match="no finished stage balance"):
        read_columns(extracted(tmp_path / "new"), "balance", "thresholds", ["t"])


def test_rows_are_found_in_a_dataset(made: tuple[RunFolder, dict[str, Rows]]) -> None:
    folder, rows = made
    row = rows["matched"][7]
    found = open_table(folder, "match", "matched", MATCHED).to_table(filter=pc.field("uid") == row["uid"])
    assert found.to_pylist() == [row | {"lang_score": 0.5}]


def test_the_counts_of_a_language(made: tuple[RunFolder, dict[str, Rows]]) -> None:
    folder, rows = made
    mine = [row for row in rows["counts"] if row["metadata_lang"] == "de"]
    found = language_counts(folder, "de")
    assert found is not None
    assert found.entries == [row["entry"] for row in mine] == made_run.METADATA["de"]
    assert np.array_equal(found.counts, [row["count"] for row in mine])
    assert found.t == next(row["t"] for row in rows["thresholds"] if row["metadata_lang"] == "de")
    assert language_counts(folder, "fr") is None


def test_a_damaged_page_is_named_by_its_file(made: tuple[RunFolder, dict[str, Rows]]) -> None:
    folder, _ = made
    path = Path(folder.table_files("match", "matched")[1].url)
    data = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    data[start + column.total_compressed_size - 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=f"^{path} is damaged: {remedy('match')}"), damage_named(folder):
        open_table(folder, "match", "matched", MATCHED).to_table()


def test_an_error_of_another_kind_stays_as_it_is(made: tuple[RunFolder, dict[str, Rows]]) -> None:
    with pytest.raises(OSError, match="another reason"), damage_named(made[0]):
        raise OSError("another reason")
