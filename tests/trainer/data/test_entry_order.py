"""Batches by entries: the same samples, with those that share entries far apart, whoever reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.trainer import CuratedPairs, Pair, ProcessRank, StreamOptions
from metaclip_curate.trainer.data.entry_order import spread_entries
from tests.support import made_run, made_shards


def test_occurrences_are_spread() -> None:
    order = spread_entries(pa.array([[1], [1], [1], [2], [2], [2], [3], [3], [3]])).tolist()
    assert order == [0, 3, 6, 1, 4, 7, 2, 5, 8]
    # Samples without entries come first, and the order of equals stays.
    assert spread_entries(pa.array([[7], [], [7, 8], []], pa.list_(pa.int32()))).tolist()[:3] == [0, 1, 3]


def test_runs_have_more_different_entries_than_by_chance() -> None:
    random = np.random.default_rng(0)
    lists = [sorted(set((random.random(5) ** 3 * 60).astype(int).tolist())) for _ in range(256)]
    order = spread_entries(pa.array(lists))
    assert sorted(order.tolist()) == list(range(256))

    def different(indices: list[int]) -> float:
        runs = [indices[start : start + 16] for start in range(0, 256, 16)]
        return float(np.mean([len({entry for index in run for entry in lists[index]}) for run in runs]))

    assert different(order.tolist()) > 1.1 * different(list(range(256)))


def read(folders: tuple[str, str], ranks: int, by_entries: bool) -> list[str]:
    samples: dict[int, str] = {}
    for rank in range(ranks):
        streams = StreamOptions(16, window=8, by_entries=by_entries)
        pairs = CuratedPairs.online(*folders, process=ProcessRank(rank, ranks), streams=streams)
        found = pairs.read(0, pairs.epoch_size(), rank, ranks)
        samples |= {sample: pair.uid for sample, pair in found if isinstance(pair, Pair)}
    return [samples[sample] for sample in sorted(samples)]


def test_an_epoch_has_the_same_samples_in_an_order_of_its_own(tmp_path: Path) -> None:
    matched = made_run.matched_rows(60, seed=3)
    made_run.write_run(tmp_path / "run", matched, t=8)
    made_shards.write_matched(tmp_path / "shards", matched, shards=2)
    folders = (str(tmp_path / "shards"), str(tmp_path / "run"))
    ordered, shuffled = read(folders, 1, True), read(folders, 1, False)
    assert sorted(ordered) == sorted(shuffled)
    assert ordered != shuffled
    assert ordered == read(folders, 3, True)
    state = CuratedPairs.online(*folders, streams=StreamOptions(by_entries=True)).state_dict()
    with pytest.raises(UserError, match="give the same --batch-by"):
        CuratedPairs.online(*folders).load_state_dict(state)


def test_data_without_entries_are_refused(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [4])
    with pytest.raises(UserError, match="have no column entry_ids"):
        CuratedPairs.offline(str(tmp_path), streams=StreamOptions(by_entries=True))
