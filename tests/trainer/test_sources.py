"""Shards that lie elsewhere, and folders of images."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.trainer import CuratedPairs
from metaclip_curate.trainer.folder_source import ImageFolder
from tests.servers.faulty_http import Fault, FaultyHTTPServer
from tests.trainer import made_shards


def test_shards_on_a_server_that_breaks_off(tmp_path: Path) -> None:
    pairs = made_shards.write(tmp_path, [12, 9])
    with FaultyHTTPServer() as server:
        for file in tmp_path.iterdir():
            server.add(f"/shards/{file.name}", file.read_bytes())
        server.fail("/shards/00000.tar", Fault(after=9000, ending="reset"))
        dataset = CuratedPairs.offline(f"{server.url}/shards")
        assert sorted(pair.uid for pair in dataset) == sorted(pair.uid for pair in pairs)
        assert not dataset.problems


def test_a_manifest_and_a_folder_of_images(tmp_path: Path) -> None:
    rows = []
    (tmp_path / "images" / "below").mkdir(parents=True)
    (tmp_path / "manifest").mkdir()
    for number in range(50):
        pair = made_shards.made(number)
        image_id = f"{number:024x}"
        name = f"{pair.uid}.png" if number % 2 else f"below/{image_id}.PNG"
        if number % 10:
            (tmp_path / "images" / name).write_bytes(made_shards.png(pair.colour) if number != 11 else b"broken")
        languages = {"lang": pair.language, "metadata_lang": pair.language}
        rows.append({"uid": pair.uid, "image_id": image_id, "text": pair.text, **languages})
    pq.write_table(pa.Table.from_pylist(rows[:30]), tmp_path / "manifest" / "part-00000.parquet", row_group_size=20)
    pq.write_table(pa.Table.from_pylist(rows[30:]), tmp_path / "manifest" / "part-00001.parquet")
    dataset = CuratedPairs.of_folder(str(tmp_path / "manifest"), str(tmp_path / "images"))
    assert isinstance(dataset.source, ImageFolder)
    assert (dataset.source.missing, dataset.epoch_size()) == (5, 45)
    assert len(dataset.source.names) == 3
    read = {pair.uid: pair for pair in dataset}
    assert set(read) == {made_shards.uid_of(number) for number in range(50) if number % 10 and number != 11}
    assert dataset.problems == {"not an image": 1}
    for number in (1, 2, 49):
        pair = made_shards.made(number)
        found = read[pair.uid]
        assert (found.text, found.language, found.image.getpixel((0, 0))) == (pair.text, pair.language, pair.colour)


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no Parquet files: name the manifest"):
        CuratedPairs.of_folder(str(tmp_path), str(tmp_path))
    pq.write_table(pa.table({"uid": ["0" * 32], "image_id": ["0" * 24]}), tmp_path / "part-00000.parquet")
    with pytest.raises(UserError, match="is named by a uid or an image_id"):
        CuratedPairs.of_folder(str(tmp_path), str(tmp_path))
