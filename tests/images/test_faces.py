"""Boxes to blur: how they reach the rows of a manifest, and tables that can't be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.images.faces import read_faces, write_with_faces
from metaclip_curate.options.download import DownloadOptions
from metaclip_curate.storage import StorageOptions

BOX = [0.1, 0.25, 0.5, 1.0]


def faces(tmp_path: Path, **columns: Any) -> pa.Table:
    pq.write_table(pa.table(columns), tmp_path / "boxes.parquet")
    return read_faces(str(tmp_path / "boxes.parquet"), StorageOptions())


def test_each_pair_gets_its_boxes(tmp_path: Path) -> None:
    table = faces(tmp_path, uid=["b", "z", "c"], boxes=[[BOX, BOX], [BOX], None])
    for name, uids in (("part-00000", ["a", "b"]), ("part-00001", ["c"])):
        pq.write_table(pa.table({"uid": uids, "url": uids}), tmp_path / f"{name}.parquet")
    files = [str(tmp_path / f"part-0000{number}.parquet") for number in range(2)]
    assert write_with_faces(files, table, str(tmp_path / "faces"), StorageOptions()) == 1
    rows = [pq.read_table(tmp_path / "faces" / f"part-0000{number}.parquet").to_pylist() for number in range(2)]
    assert rows == [
        [{"uid": "a", "url": "a", "blurred_boxes": []}, {"uid": "b", "url": "b", "blurred_boxes": [BOX, BOX]}],
        [{"uid": "c", "url": "c", "blurred_boxes": []}],
    ]


@pytest.mark.parametrize(
    "box", [[0.1, 0.2, 0.3], [0.5, 0.1, 0.2, 0.9], [10.0, 20.0, 30.0, 40.0], [0.1, 0.1, None, 1.0]]
)
def test_boxes_that_are_none(tmp_path: Path, box: list[float]) -> None:
    with pytest.raises(UserError, match=r"has the box \[.*\] of a: write a row for each pair, with uid and boxes"):
        faces(tmp_path, uid=["a"], boxes=[[BOX, box]])


def test_tables_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no column boxes"):
        faces(tmp_path, uid=["a"])
    with pytest.raises(UserError, match="has the uid a in several rows"):
        faces(tmp_path, uid=["a", "b", "a"], boxes=[[BOX]] * 3)
    with pytest.raises(UserError, match=r"gone\.parquet is missing"):
        read_faces(str(tmp_path / "gone.parquet"), StorageOptions())
    with pytest.raises(UserError, match="--faces is of the pairs of --table manifest"):
        DownloadOptions("out", table="matched", faces="boxes.parquet")
