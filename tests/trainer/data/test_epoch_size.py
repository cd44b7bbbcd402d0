"""Each file is read once for an epoch, by one rank, and not again to resume."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaclip_curate.trainer import CuratedPairs, ProcessRank
from metaclip_curate.trainer.data.epoch_size import EpochCounter
from metaclip_curate.trainer.data.selection import Selection, read_entry_probabilities
from metaclip_curate.trainer.data.webdataset_source import WebdatasetShards
from tests.support import made_run, made_shards


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    matched = made_run.matched_rows(60, seed=3)
    made_run.write_run(tmp_path / "run", matched, t=8)
    made_shards.write_matched(tmp_path / "shards", matched, shards=5)
    return str(tmp_path / "shards"), str(tmp_path / "run")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each Parquet file is read."""
    found: Counter[int] = Counter()
    shard = WebdatasetShards.shard

    def counted(self: WebdatasetShards, index: int, columns: Any) -> Any:
        found[index] += 1
        return shard(self, index, columns)

    monkeypatch.setattr(WebdatasetShards, "shard", counted)
    return found


def test_ranks_count_their_shares_and_add_them_up(folders: tuple[str, str], reads: Counter[int]) -> None:
    source = WebdatasetShards(folders[0])
    selection = Selection(1, {"sw": 2.0}, read_entry_probabilities(folders[1]))
    whole = EpochCounter(source, selection).count(4)
    assert whole.counts.shape == (5, 2)
    assert reads == dict.fromkeys(range(5), 1)
    reads.clear()
    tables: list[Any] = []

    def keep(table: Any) -> Any:
        tables.append(table)
        return table

    for rank in range(3):
        EpochCounter(source, selection, ProcessRank(rank, 3, keep)).count(4)
    assert reads == dict.fromkeys(range(5), 1)
    added = EpochCounter(source, selection, ProcessRank(0, 3, lambda table: np.sum(tables, axis=0))).count(4)
    assert np.array_equal(added.counts, whole.counts)
    assert added.expected == pytest.approx(whole.expected)


def test_the_next_epoch_is_counted_in_the_background_and_once(folders: tuple[str, str], reads: Counter[int]) -> None:
    pairs = CuratedPairs.online(*folders)
    assert pairs.expected_epoch_size > 0
    assert pairs.epoch_size() > 0
    assert reads == dict.fromkeys(range(5), 1)
    pairs.prepare_next_epoch()
    pairs.prepare_next_epoch()
    pairs.move_to(1)
    size = pairs.epoch_size()
    assert reads == dict.fromkeys(range(5), 2)
    other = CuratedPairs.online(*folders)
    other.move_to(1)
    assert other.epoch_size() == size


def test_a_process_that_ends_does_not_wait_for_the_next_epoch(folders: tuple[str, str]) -> None:
    def begin_an_epoch_that_takes_ages() -> None:
        pairs = CuratedPairs.online(*folders)
        pairs.epoch_size()
        WebdatasetShards.shard = lambda *given: time.sleep(600)  # type: ignore[assignment, method-assign]
        pairs.prepare_next_epoch()

    # A forked process waits for its threads at its end as any other does, and needn't import PyTorch.
    process = multiprocessing.get_context("fork").Process(target=begin_an_epoch_that_takes_ages)
    process.start()
    process.join(60)
    ended = process.exitcode
    process.kill()
    assert ended == 0


def test_resuming_reads_nothing_again(folders: tuple[str, str], reads: Counter[int]) -> None:
    pairs = CuratedPairs.online(*folders)
    pairs.move_to(2, 7)
    state = pairs.state_dict()
    reads.clear()
    resumed = CuratedPairs.online(*folders)
    resumed.load_state_dict(state)
    assert resumed.epoch_size() == pairs.epoch_size()
    assert resumed.expected_epoch_size == pairs.expected_epoch_size
    assert not reads
    # Checkpoints of earlier versions have no counts.
    older = CuratedPairs.online(*folders)
    older.load_state_dict({name: value for name, value in state.items() if name not in ("counts", "expected")})
    assert older.epoch_size() == pairs.epoch_size()
