"""Lists of a part's files, and what they notice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.run.file_list import (
    FileList,
    FileState,
    Origin,
    PartFile,
    TableFile,
    check_folder,
    describe,
    rows_of,
)
from metaclip_curate.storage import StorageOptions
from tests.support.faults import Choices

ROWS = 3000
TABLE = pa.table({"url": [f"https://a.example/{n}" for n in range(ROWS)], "text": ["a cat"] * ROWS})


def write(path: Path, table: pa.Table = TABLE) -> PartFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)
    return describe(str(path), path.name, table.num_rows)


@pytest.fixture
def files(tmp_path: Path) -> list[PartFile]:
    return [write(tmp_path / "part" / name) for name in ("part-00000.parquet", "part-00001.parquet")]


def check(folder: Path, files: list[PartFile]) -> None:
    check_folder(str(folder), {file.name: file for file in files}, StorageOptions(), "do it again")


def test_a_list_is_read_as_it_was_written(files: list[PartFile]) -> None:
    made = FileList({"pairs": files, "inputs": []}, {"/wäts/\udcff.wat": FileState(12, 1_700_000_000_123_456_789)})
    assert FileList.from_bytes(made.to_bytes()) == made


def test_a_folder_that_is_as_it_was_written(tmp_path: Path, files: list[PartFile]) -> None:
    for name in (".DS_Store", "_SUCCESS", ".part-00000.parquet.crc", "notes.txt"):
        (tmp_path / "part" / name).write_bytes(b"read by nobody")
    write(tmp_path / "part" / "_temporary" / "0" / "part-00000.parquet")
    (tmp_path / "part" / "old").mkdir()
    (tmp_path / "part" / "old" / "notes.txt").write_bytes(b"no table")
    check(tmp_path / "part", files)
    check(tmp_path / "none", [])


@pytest.mark.parametrize("name", ["part/old/part-00000.parquet", "x.parquet", "copy.parquet/0", "part/more.parquet"])
def test_parquet_files_below_a_folder_that_were_not_written(tmp_path: Path, files: list[PartFile], name: str) -> None:
    listed = {f"part/{file.name}": file for file in files}
    check_folder(str(tmp_path), listed, StorageOptions(), "do it again", lambda: pytest.fail("nothing was added"))
    write(tmp_path / name)
    with pytest.raises(UserError, match=f"{tmp_path / name} was not written by this run: move it out of the folder"):
        check_folder(str(tmp_path), listed, StorageOptions(), "do it again", lambda: ["begun"])
    (tmp_path / "part").rename(tmp_path / "whole")
    listed = {f"whole/{file.name}": file for file in files}
    first = name.split("/")[0] if name.split("/")[0] != "part" else "whole"
    check_folder(str(tmp_path), listed, StorageOptions(), "do it again", lambda: [first])


def flip_in_footer(path: Path) -> None:
    """Renames a column: the file stays a valid one of the same size, in which the old column isn't there."""
    data = path.read_bytes()
    at = data.index(b"text", describe(str(path), "", 0).footer)
    path.write_bytes(data[:at] + b"tezt" + data[at + 4 :])
    assert "tezt" in pq.read_metadata(path).schema.names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), r"part-00001.parquet is missing: do it again"),
        (
            lambda path: path.with_name("part-00001 (1).parquet").write_bytes(path.read_bytes()),
            r"\(1\).parquet was not",
        ),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), r"has [\d,]+ bytes, and [\d,]+ were written: do it"),
        (flip_in_footer, r"part-00001.parquet was changed after the run wrote it: do it again"),
    ],
    ids=["missing", "copied", "truncated", "footer"],
)
def test_a_folder_that_was_changed(
    tmp_path: Path, files: list[PartFile], change: Callable[[Path], None], message: str
) -> None:
    change(tmp_path / "part" / "part-00001.parquet")
    with pytest.raises(UserError, match=message):
        check(tmp_path / "part", files)


@pytest.mark.slow
def test_a_bit_that_is_flipped_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    """By the checksum of the footer or, as all readers here verify them, by those of the pages."""
    path = tmp_path / "part-00000.parquet"
    file = write(path)
    data, choices = path.read_bytes(), Choices("flipped bits of a part")
    noticed = 0
    for _ in range(400):
        flipped = bytearray(data)
        bit = choices.below(8 * len(data))
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            check(tmp_path, [file])
            found = pq.read_table(path, page_checksum_verification=True)
        except (UserError, OSError, pa.ArrowException):
            noticed += 1
        else:
            assert found.equals(TABLE), f"bit {bit} of {len(data)} bytes"
    assert noticed > 300


def test_rows_of_files_are_known_of_all_or_not_at_all() -> None:
    assert rows_of([]) == 0
    assert rows_of([TableFile("a", 2), TableFile("b", 3)]) == 5
    assert rows_of([TableFile("a", 2), TableFile("b", None)]) is None


def test_a_list_keeps_where_the_rows_of_pairs_came_from() -> None:
    origins = {"a.parquet": Origin("CC-MAIN-2025-30", "b/ä.warc.wat.gz"), "c.parquet": Origin("", "d")}
    written = FileList({"pairs": []}, {}, origins)
    assert FileList.from_bytes(written.to_bytes()) == written
