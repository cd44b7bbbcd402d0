"""What a cluster loses on the way changes nothing: tables equal those of an undisturbed local run, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.run.stages import STAGES
from tests.end_to_end.test_kill import manifest_bytes, stages
from tests.support import runs
from tests.support.applications import Site, lost_tasks

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("spark")]

OPTIONS: dict[str, Any] = {"t": 300, "seed": 5, "rows_per_file": 10_000, "files_per_round": 6}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, wats: list[Path], metadata: Path) -> Path:
    output = tmp_path_factory.mktemp("undisturbed") / "run"
    runs.run(output, wats, metadata, **OPTIONS)
    assert len(list((output / "manifest").iterdir())) > 1
    return output


def check_equal(output: Path, undisturbed: Path) -> None:
    assert runs.tables(output) == runs.tables(undisturbed)
    assert manifest_bytes(output) == manifest_bytes(undisturbed)
    cards = [json.loads((run / "datacard.json").read_text()) for run in (output, undisturbed)]
    for card in cards:
        card.pop("command")
    assert cards[0] == cards[1]
    assert not (output / "_work").exists()


def in_the_middle(output: Path, stage: str) -> Callable[[], bool]:
    def has_come() -> bool:
        found = stages(output)
        return stage in found and not found[stage].get("finished")

    return has_come


def during(output: Path, stage: str) -> tuple[Callable[[], bool], Callable[[], bool]]:
    """Whether a stage is in its middle, and whether it is over."""
    return in_the_middle(output, stage), lambda: bool(stages(output).get(stage, {}).get("finished"))


def flags(**given: Any) -> list[str]:
    return [part for name, value in given.items() for part in ("--" + name.replace("_", "-"), str(value))]


def test_a_file_written_twice_would_be_seen(tmp_path: Path, undisturbed: Path) -> None:
    output = tmp_path / "run"
    shutil.copytree(undisturbed, output)
    check_equal(output, undisturbed)
    for table in (name for name in runs.TABLES if name != "screened"):  # nothing is
        file = next((output / table).rglob("*.parquet"))
        shutil.copyfile(file, file.with_name("part-99999.parquet"))
        assert runs.table(output, table) != runs.table(undisturbed, table), table


def test_what_is_lost_in_each_stage_changes_nothing(
    site: Site, tmp_path: Path, wats: list[Path], metadata: Path, undisturbed: Path
) -> None:
    """A Python worker and executors, then the driver, and in the second application a worker for good."""
    output = tmp_path / "run"
    given = ["--input", *map(str, wats), *flags(output=output, metadata=metadata, **OPTIONS), "--no-report"]
    place = STAGES.index("dedup")
    with site.submitted("run", *given) as first:
        # The executor first, whose tasks take longest while its Python starts; its lost task keeps the stage going.
        hit = [stage for stage in STAGES[:place] if first.kill_busy_executor(*during(output, stage))]
        first.kill_python_worker(in_the_middle(output, "extract"))
        first.kill_driver(in_the_middle(output, "dedup"))
    assert "extract" in hit
    assert not stages(output)["dedup"].get("finished")
    assert lost_tasks(site.events, first.log.stem) >= len(hit)

    with site.submitted("run", *given) as second:
        folder = second.kill_busy_executor(in_the_middle(output, "dedup"))
        assert folder is not None
        lost = next(daemon for daemon in site.cluster.running() if daemon.name == folder.name)
        os.kill(lost.pid, signal.SIGKILL)
        hit = [stage for stage in STAGES[place + 1 :] if second.kill_busy_executor(*during(output, stage))]
        second.finish()
    assert [daemon.kind for daemon in site.cluster.running()] == ["master", "worker"]
    # So little input is counted and balanced in less than a second, which may pass between two looks.
    assert "sample" in hit
    assert len(hit) >= len(STAGES[place + 1 :]) - 1
    assert lost_tasks(site.events, second.log.stem) >= 1 + len(hit)
    check_equal(output, undisturbed)
