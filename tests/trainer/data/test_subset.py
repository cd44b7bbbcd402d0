"""Sorted uids in a file: the same answers as a set, in little memory, and found again."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.trainer.data import subset
from metaclip_curate.trainer.data.subset import read_uids
from tests.support.made_shards import uid_of


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    folder = tmp_path / "manifest"
    folder.mkdir()
    uids = [uid_of(number) for number in range(3000)] + ["f" * 32, "f" * 16 + "0" * 16, "0" * 32, "0" * 31 + "1"]
    for part in range(3):
        pq.write_table(pa.table({"uid": uids[part::3]}), folder / f"part-{part}.parquet")
    return str(folder)


@pytest.mark.parametrize("bucket", [1 << 22, 100])
def test_it_is_a_set(manifest: str, bucket: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subset, "_BUCKET_ROWS", bucket)
    uids = read_uids(manifest)
    asked = [uid_of(number) for number in range(2500, 3500)]
    asked += ["f" * 32, "f" * 16 + "0" * 16, "f" * 31 + "e", "0" * 32, "0" * 31 + "1", "0" * 31 + "2"]
    expected = [True] * 500 + [False] * 500 + [True, True, False, True, True, False]
    assert uids.contains(pa.array(asked)).tolist() == expected
    assert len(uids) == 3004
    words = np.array([[int(uid[:16], 16), int(uid[16:], 16)] for uid in map(uid_of, range(3000))], dtype=np.uint64)
    xor = np.bitwise_xor.reduce(words, axis=0)
    # The last four: their first words cancel each other, their last words leave all ones and a one.
    assert uids.digest == (xor ^ np.array([0, 2**64 - 2], dtype=np.uint64)).tobytes()


def test_a_copy_for_a_worker_maps_the_same_file(manifest: str) -> None:
    uids = read_uids(manifest)
    copy = pickle.loads(pickle.dumps(uids))
    assert copy.contains(pa.array([uid_of(1), uid_of(9000)])).tolist() == [True, False]
    assert len(pickle.dumps(uids)) < 1000


def test_the_file_is_removed_with_its_owner(manifest: str) -> None:
    uids = read_uids(manifest)
    path = Path(uids._path)
    assert path.stat().st_size == 16 * 3005
    del uids
    assert not path.exists()


def test_a_kept_file_is_found_again_unless_the_manifest_changed(manifest: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = read_uids(manifest, cache=str(cache))
    written = [(path, path.stat().st_mtime_ns) for path in cache.iterdir()]
    assert len(written) == 1
    assert len(read_uids(manifest, cache=str(cache))) == len(first)
    assert [(path, path.stat().st_mtime_ns) for path in cache.iterdir()] == written
    pq.write_table(pa.table({"uid": [uid_of(5000)]}), Path(manifest) / "part-9.parquet")
    assert len(read_uids(manifest, cache=str(cache))) == len(first) + 1
