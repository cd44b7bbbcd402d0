"""The plain way does the same work, so that the benchmark's ratios mean something."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.plain_reader import read_plain
from benchmarks.synthetic_wat import write_synthetic_wat
from metaclip_curate.extract import InputStats, read_pairs

# Where a URL goes depends on who resolves it.
SAME = ("records", "image_links", "dropped_opt_out", "dropped_no_text")

# The files take seconds to make and to read twice.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "a.warc.wat.gz"
    write_synthetic_wat(path, 2_000_000)
    return path


def test_the_same_counts_and_nearly_the_same_rows(made: Path, mini_wats: list[Path]) -> None:
    assert len(mini_wats) == 2
    for path in (made, *mini_wats):
        stats = InputStats(str(path))
        uids = {uid for batch in read_pairs(str(path), stats=stats) for uid in batch.column("uid").to_pylist()}
        assert len(uids) > 1000
        rows, counted = read_plain(path)
        found = dataclasses.asdict(stats)
        assert {name: counted[name] for name in SAME} == {name: found[name] for name in SAME}
        assert len(uids & set(rows.column("uid").to_pylist())) > 0.9 * len(uids)


def test_every_text_is_predicted(made: Path) -> None:
    asked: list[str] = []

    def predict(text: str) -> tuple[str, float]:
        asked.append(text)
        return "xx", 0.5

    rows, counted = read_plain(made, predict)
    assert len(asked) == counted["texts"]
    assert rows.num_rows == counted["pairs"]
