"""Shards that lie elsewhere, and folders of images."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.trainer import CuratedPairs
from metaclip_curate.trainer.data.folder_source import ImageFolder
from metaclip_curate.trainer.data.shards import TEXTS
from metaclip_curate.trainer.data.webdataset_source import WebdatasetShards
from tests.support import made_shards
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer


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


def test_shards_whose_tables_have_other_types(tmp_path: Path) -> None:
    pairs = made_shards.write(tmp_path, [3, 2], failed=1)
    first = pq.read_table(tmp_path / "00000.parquet").append_column("sha256", pa.nulls(4))
    for place, name in enumerate(first.column_names[:-1]):
        first = first.set_column(place, name, first[name].cast(pa.large_string()).dictionary_encode())
    pq.write_table(first, tmp_path / "00000.parquet")
    dataset = CuratedPairs.offline(str(tmp_path))
    assert sorted((pair.uid, pair.text) for pair in dataset) == sorted((pair.uid, pair.text) for pair in pairs)
    # Nothing came of a shard.
    second = pq.read_table(tmp_path / "00001.parquet")
    for name in ("status", "caption"):
        second = second.set_column(second.column_names.index(name), name, pa.nulls(3))
    pq.write_table(second, tmp_path / "00001.parquet")
    shard = CuratedPairs.offline(str(tmp_path)).source.shard(1, ["image", "uid", "text", "language"])
    assert len(shard.keys) == len(shard.texts) == 0


STRUCT = {"uid": "u", "text": "t", "metadata_lang": "en", "entry_ids": [1, 2]}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (pa.array([[STRUCT], None, [STRUCT, STRUCT]]), [0, 2, 2]),
        (pa.array([[STRUCT | {"entry_ids": None, "extra": 1}], [], []]), [0]),
        (pa.nulls(3), []),
        (pa.array([[], [], None]), []),
    ],
)
def test_texts_of_images_in_other_types(tmp_path: Path, texts: pa.Array, expected: list[int]) -> None:
    table = pa.table({"key": ["a", "b", "c"], "status": ["success"] * 3, "texts": texts})
    pq.write_table(table, tmp_path / "00000.parquet")
    (tmp_path / "sizes.json").write_text('{"00000.tar": 3}')
    shard = WebdatasetShards(str(tmp_path)).shard(0, TEXTS.names)
    assert shard.texts.schema.equals(TEXTS)
    assert (shard.keys, shard.texts["image"].to_pylist()) == (["a", "b", "c"], expected)


def test_damaged_tables_are_named(tmp_path: Path) -> None:
    made_shards.write(tmp_path / "shards", [3])
    table = tmp_path / "shards" / "00000.parquet"
    table.write_bytes(table.read_bytes()[:-50])
    with pytest.raises(UserError, match=r"00000\.parquet is damaged .*remove 00000_stats\.json"):
        CuratedPairs.offline(str(tmp_path / "shards"))
    (tmp_path / "shards" / "sizes.json").write_text("{")
    with pytest.raises(UserError, match=r"sizes\.json is damaged"):
        CuratedPairs.offline(str(tmp_path / "shards"))
    (tmp_path / "part-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"part-00000\.parquet is damaged"):
        CuratedPairs.of_folder(str(tmp_path), str(tmp_path))
