"""Training on the tars of a pool, of which a manifest names samples."""

from __future__ import annotations

import io
import math
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.trainer import CuratedPairs, PairLoader
from metaclip_curate.trainer.data.pool_source import PoolTars
from metaclip_curate.trainer.train.train import Training
from tests.support import made_shards, trainings

TARS, SAMPLES = 3, 40


def write_pool(folder: Path, order: int = 1) -> None:
    """Writes tars without any other file, as a pool has them."""
    for tar_number in range(TARS):
        path = folder / f"{tar_number % 2}" / f"{tar_number}.tar"
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as tar:
            for place in range(SAMPLES)[::order]:
                pair = made_shards.made(SAMPLES * tar_number + place)
                for extension, data in (("png", made_shards.png(pair.colour)), ("txt", pair.text.encode())):
                    member = tarfile.TarInfo(f"{place:04d}.{extension}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))


def write_manifest(folder: Path, pool: str, chosen: range) -> list[dict[str, Any]]:
    """Writes a manifest of some samples in another order; of every tenth image, two texts were drawn."""
    rows = []
    for number in chosen:
        pair, (tar_number, place) = made_shards.made(number), divmod(number, SAMPLES)
        row = {"uid": pair.uid, "text": pair.text, "metadata_lang": pair.language, "source_id": f"{place:04d}"}
        rows.append(row | {"source_file": f"{pool}/{tar_number % 2}/{tar_number}.tar"})
        if number % 10 == 0:
            rows.append(rows[-1] | {"uid": made_shards.uid_of(10**6 + number), "text": f"another {number}"})
    rows.append(rows[0] | {"uid": "0" * 32, "source_file": "crawl.warc.wat.gz", "source_id": ""})
    folder.mkdir()
    ordered = sorted(rows, key=lambda row: row["uid"])
    pq.write_table(pa.Table.from_pylist(ordered[::2]), folder / "part-00000.parquet")
    pq.write_table(pa.Table.from_pylist(ordered[1::2]), folder / "part-00001.parquet")
    return [row for row in rows if row["source_id"]]


@pytest.mark.parametrize("order", [1, -1])
def test_the_samples_that_a_manifest_names_are_read_from_the_tars(tmp_path: Path, order: int) -> None:
    write_pool(tmp_path / "pool", order)
    rows = write_manifest(tmp_path / "manifest", f"{tmp_path}/pool", range(0, TARS * SAMPLES, 3))
    dataset = CuratedPairs.offline(str(tmp_path / "pool"), manifest=str(tmp_path / "manifest"))
    assert isinstance(dataset.source, PoolTars)
    assert (dataset.epoch_size(), dataset.source.missing, len(dataset.source.names)) == (len(rows), 1, TARS)
    read = {pair.uid: pair for pair in dataset}
    assert not dataset.problems
    assert set(read) == {row["uid"] for row in rows}
    for row in rows:
        number = SAMPLES * int(row["source_file"][-5]) + int(row["source_id"])
        assert read[row["uid"]].text == row["text"]
        assert read[row["uid"]].image.getpixel((0, 0)) == made_shards.made(number).colour


def test_a_training_on_the_chosen_samples(tmp_path: Path) -> None:
    write_pool(tmp_path / "pool")
    rows = write_manifest(tmp_path / "manifest", f"{tmp_path}/pool", range(0, TARS * SAMPLES, 4))
    manifest = str(tmp_path / "manifest")
    options = trainings.options(tmp_path / "pool", tmp_path / "training", manifest=manifest, pairs_seen=24, workers=1)
    printed: list[str] = []
    assert Training(options, trainings.ALONE, printed.append).run()
    assert f"{tmp_path / 'pool'} lacks 1 pair of {manifest}" in printed
    lines = trainings.metrics(tmp_path / "training")
    assert len(lines) == 3
    assert all(math.isfinite(line["loss"]) and not line["repeated_rows"] for line in lines)
    assert len(rows) > 24
    assert not (tmp_path / "pool" / "sizes.json").exists()  # nothing was written beside the tars


def test_tars_that_were_moved(tmp_path: Path) -> None:
    write_pool(tmp_path / "elsewhere")
    write_manifest(tmp_path / "manifest", "s3://bucket/pool", range(0, TARS * SAMPLES, 7))
    source = PoolTars(str(tmp_path / "manifest"), str(tmp_path / "elsewhere"))
    assert list(source.names) == [str(tmp_path / "elsewhere" / name) for name in ("0/0.tar", "0/2.tar", "1/1.tar")]
    assert "s3://bucket/pool/0/0.tar" in PoolTars(str(tmp_path / "manifest")).names


def test_tars_of_one_folder_below_the_one_that_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pool(tmp_path / "pool")
    monkeypatch.chdir(tmp_path)
    rows = write_manifest(tmp_path / "manifest", "pool", range(0, SAMPLES, 4))
    for folder in ("pool", "./pool/", str(tmp_path / "pool"), "pool/0"):
        dataset = CuratedPairs.offline(folder, manifest="manifest")
        assert len(list(dataset)) == len(rows)
        assert not dataset.problems


def test_a_sample_that_is_gone_is_counted(tmp_path: Path) -> None:
    write_pool(tmp_path / "pool")
    rows = write_manifest(tmp_path / "manifest", f"{tmp_path}/pool", range(1, 20, 4))
    (tmp_path / "pool" / "0" / "0.tar").unlink()
    dataset = CuratedPairs.offline(str(tmp_path / "pool"), manifest=str(tmp_path / "manifest"))
    assert not list(dataset)
    assert dataset.problems == {"shard damaged (FileNotFoundError)": len(rows)}


def test_what_to_check_if_no_sample_is_found(tmp_path: Path) -> None:
    write_pool(tmp_path / "pool")
    write_manifest(tmp_path / "manifest", "pool", range(0, 20, 4))
    dataset = CuratedPairs.offline(str(tmp_path / "elsewhere"), manifest=str(tmp_path / "manifest"))
    with pytest.raises(UserError, match=r"FileNotFoundError.*check that the pool has .*elsewhere/0.tar, .*'0000'"):
        next(iter(PairLoader(dataset, 2)))


def test_a_manifest_that_comes_from_no_tar(tmp_path: Path) -> None:
    (tmp_path / "manifest").mkdir()
    with pytest.raises(UserError, match="has no Parquet files"):
        PoolTars(str(tmp_path / "manifest"))
    row = {"source_file": "a.parquet", "source_id": "1", "uid": "0" * 32, "text": "x", "metadata_lang": "en"}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "manifest" / "part-00000.parquet")
    with pytest.raises(UserError, match=r"comes from a tar: name the manifest of a run whose --input were"):
        PoolTars(str(tmp_path / "manifest"))
