"""Shards and runs at s3://, on a real server that checks signatures: the same as in a local folder."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.s3_client import forget_clients
from metaclip_curate.trainer import Batch, CuratedPairs, LoaderOptions, Pair, PairLoader, StreamOptions
from metaclip_curate.trainer import __main__ as command
from tests.support import made_run, made_shards, trainings
from tests.support.servers.faulty_http import FaultyHTTPServer
from tests.support.servers.fixtures import faulty_s3, s3_server
from tests.support.servers.s3 import S3Server

__all__ = ["faulty_s3", "s3_server"]

BUCKET = "s3://trainer"
_SIZES = [30, 7, 0, 25]
_STREAMS = StreamOptions(streams=4, window=4)


@pytest.fixture(scope="module")
def s3_process() -> Iterator[S3Server]:
    """The server of these tests; it is filled before the fixture that turns proxies off for each of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("no_proxy", "NO_PROXY"):
            patch.setenv(name, "127.0.0.1,localhost")
        with S3Server() as server:
            yield server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """The server, named and signed for by the environment, as it is for img2dataset."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.url)
    forget_clients()
    yield s3_server
    forget_clients()


@pytest.fixture(scope="module")
def shards(s3_process: S3Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A local folder of shards; the same are at BUCKET/shards."""
    folder = tmp_path_factory.mktemp("shards")
    trainings.write_colourful_shards(folder, _SIZES)
    upload(s3_process, folder, "shards")
    return str(folder)


def upload(server: S3Server, folder: Path, prefix: str) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    server.put("trainer", {f"{prefix}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files})


def seen(pair: Pair) -> tuple[str, str, str, bytes]:
    return pair.uid, pair.text, pair.language, pair.image.tobytes()


def read(dataset: CuratedPairs, epoch: int, position: int = 0) -> list[tuple[str, str, str, bytes]]:
    dataset.move_to(epoch, position)
    return [seen(pair) for pair in dataset]


def rows_of(batches: Sequence[Batch]) -> list[tuple[list[str], list[str], list[str], list[float]]]:
    return [(batch.uids, batch.texts, batch.languages, batch.images.flatten().tolist()) for batch in batches]


def loader(folder: str, workers: int) -> PairLoader:
    dataset = CuratedPairs.offline(folder, transform=made_shards.to_tensor, streams=_STREAMS)
    return PairLoader(dataset, 8, options=LoaderOptions(workers=workers, drop_last=False))


def test_the_same_pairs_in_the_same_order(s3: S3Server, shards: str) -> None:
    local = CuratedPairs.offline(shards, streams=_STREAMS)
    remote = CuratedPairs.offline(f"{BUCKET}/shards", streams=_STREAMS)
    assert remote.epoch_size() == sum(_SIZES)
    epochs = [read(remote, 0), read(remote, 1)]
    assert epochs == [read(local, 0), read(local, 1)]
    assert len(set(epochs[0])) == sum(_SIZES)
    assert epochs[0] != epochs[1]
    # The image files too are the same, to the byte.
    assert list(remote.read_stored(0, sum(_SIZES), 0, 1)) == list(local.read_stored(0, sum(_SIZES), 0, 1))
    assert not remote.problems


def test_only_the_pairs_of_a_manifest_there(s3: S3Server, shards: str, tmp_path: Path) -> None:
    uids = [made_shards.uid_of(number) for number in range(0, sum(_SIZES), 3)]
    pq.write_table(pa.table({"uid": uids}), tmp_path / "part-00000.parquet")
    upload(s3, tmp_path, "manifest")
    given: dict[str, Any] = {"weights": {"ru": 2}, "streams": _STREAMS}
    pairs = read(CuratedPairs.offline(f"{BUCKET}/shards", manifest=f"{BUCKET}/manifest", **given), 0)
    assert pairs == read(CuratedPairs.offline(shards, manifest=str(tmp_path), **given), 0)
    assert {uid for uid, *_ in pairs} == set(uids)


@pytest.mark.parametrize("workers", [0, 2])
def test_going_on_in_the_middle_of_an_epoch(s3: S3Server, shards: str, workers: int) -> None:
    whole = rows_of(list(loader(shards, 0)))
    stopped = loader(f"{BUCKET}/shards", workers)
    batches = iter(stopped)
    before = [next(batches) for _ in range(3)]
    state = stopped.state_dict()
    assert state["position"] == 24
    resumed = loader(f"{BUCKET}/shards", workers)
    resumed.load_state_dict(state)
    assert rows_of(before) + rows_of(list(resumed)) == whole
    # It is the same data: a training may move from one place to the other.
    moved = loader(shards, 0)
    moved.load_state_dict(state)
    assert rows_of(list(moved)) == whole[3:]


def test_drawn_anew_with_a_run_there(s3: S3Server, tmp_path: Path) -> None:
    tables = made_run.write_run(tmp_path / "run", made_run.matched_rows(90, seed=5), t=6)
    made_shards.write_matched(tmp_path / "images", tables["matched"], shards=3)
    upload(s3, tmp_path, "online")
    local = CuratedPairs.online(str(tmp_path / "images"), str(tmp_path / "run"), seed=3, streams=_STREAMS)
    remote = CuratedPairs.online(f"{BUCKET}/online/images", f"{BUCKET}/online/run", seed=3, streams=_STREAMS)
    assert remote.expected_epoch_size == local.expected_epoch_size < 90
    epochs = [read(remote, epoch) for epoch in range(2)]
    assert epochs == [read(local, epoch) for epoch in range(2)]
    assert epochs[0] != epochs[1]
    assert read(remote, 1, position=20) == epochs[1][20:]


def test_a_training_with_the_endpoint_as_an_option(s3_server: S3Server, shards: str, tmp_path: Path) -> None:
    small = ["--recipe", "tiny", "--batch-size", "8", "--pairs-seen", "16", "--workers", "0", "--device", "cpu"]
    there = ["--s3-endpoint-url", s3_server.url, "--s3-region", "us-east-1"]
    assert command.main([*small, "--data", shards, "--output", str(tmp_path / "local")]) == 0
    assert command.main([*small, "--data", f"{BUCKET}/shards", "--output", str(tmp_path / "remote"), *there]) == 0
    local, remote = trainings.weights(tmp_path / "local"), trainings.weights(tmp_path / "remote")
    assert all(torch.equal(local[name], remote[name]) for name in local)


def test_workers_do_not_speak_on_their_parents_connections(faulty_s3: FaultyHTTPServer, shards: str) -> None:
    # This server keeps connections open, as Amazon does and moto doesn't: one lies idle when the workers are forked.
    storage = StorageOptions(s3_endpoint_url=faulty_s3.url, read_timeout=5)
    dataset = CuratedPairs.offline(f"{BUCKET}/shards", storage=storage)
    expected = CuratedPairs.offline(shards).source
    readers = [number for number, size in enumerate(_SIZES) if size]
    fork = multiprocessing.get_context("fork")
    ready, results = fork.Barrier(len(readers)), fork.SimpleQueue()

    def read_shard(number: int) -> None:
        ready.wait()
        results.put((number, dataset.source.shard(number, ("uid",)).texts["uid"].to_pylist()))

    for _ in range(2):
        workers = [fork.Process(target=read_shard, args=(number,)) for number in readers]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0] * len(readers)
        found = dict(results.get() for _ in readers)
        assert found == {number: expected.shard(number, ("uid",)).texts["uid"].to_pylist() for number in readers}


def test_what_is_missing(s3: S3Server, shards: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"s3://no-such-bucket/shards has no sizes\.json: .*NoSuchBucket"):
        CuratedPairs.offline("s3://no-such-bucket/shards")
    with pytest.raises(UserError, match=rf"{BUCKET}/nowhere has no sizes\.json: .*NoSuchKey"):
        CuratedPairs.offline(f"{BUCKET}/nowhere")
    with pytest.raises(UserError, match=r"s3://no-such-bucket/manifest: .*NoSuchBucket"):
        CuratedPairs.offline(f"{BUCKET}/shards", manifest="s3://no-such-bucket/manifest")
    made_shards.write_matched(tmp_path / "images", made_run.matched_rows(4, seed=1), shards=2)
    upload(s3, tmp_path, "gaps")
    with pytest.raises(UserError, match=r"s3://no-such-bucket/run/run\.json: .*NoSuchBucket"):
        CuratedPairs.online(f"{BUCKET}/gaps/images", "s3://no-such-bucket/run")
    with pytest.raises(UserError, match=rf"{BUCKET}/gaps isn't a run folder"):
        CuratedPairs.online(f"{BUCKET}/gaps/images", f"{BUCKET}/gaps")
    # A tar that is gone costs its images, as it does in a local folder; a Parquet file that is gone ends the reading.
    s3.client().delete_object(Bucket="trainer", Key="gaps/images/00001.tar")
    dataset = CuratedPairs.offline(f"{BUCKET}/gaps/images")
    assert len(list(dataset)) == 2
    assert dataset.problems == {"shard damaged (MissingError)": 2}
    s3.client().delete_object(Bucket="trainer", Key="gaps/images/00001.parquet")
    with pytest.raises(UserError, match=rf"{BUCKET}/gaps/images/00001\.parquet is missing: remove 00001_stats\.json"):
        list(CuratedPairs.offline(f"{BUCKET}/gaps/images"))


def test_who_may_not_read(s3: S3Server, shards: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.stranger.environment().items():
        monkeypatch.setenv(name, value)
    forget_clients()
    with pytest.raises(UserError, match=rf"{BUCKET}/shards/sizes\.json cannot be read: HTTP 403 .*credentials"):
        CuratedPairs.offline(f"{BUCKET}/shards")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    forget_clients()
    with pytest.raises(UserError, match="no AWS credentials were found"):
        CuratedPairs.offline(f"{BUCKET}/shards")
