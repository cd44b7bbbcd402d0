"""What a plan says, and that it follows from its figures."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from metaclip_curate.cli import main
from metaclip_curate.cluster.executors import executor_plan
from metaclip_curate.cluster.plan import Plan, PlanOptions, plan
from metaclip_curate.cluster.rates import Figures, load_figures
from metaclip_curate.errors import UserError

CRAWL = PlanOptions(crawl="CC-MAIN-2025-30")


@pytest.fixture(scope="module")
def figures() -> Figures:
    return load_figures()


def of(figures: Figures, options: PlanOptions = CRAWL, entries: int = 0, **changes: float) -> Plan:
    return plan(options, figures.with_values(f"{name}={value}" for name, value in changes.items()), entries)


def test_every_figure_says_where_it_comes_from(figures: Figures) -> None:
    assert {figure.kind for figure in figures.numbers.values()} == {"measured", "assumed"}
    assert all(figure.unit and len(figure.source) > 7 for figure in figures.numbers.values())
    assert all(platform.price_date and platform.price_source for platform in figures.platforms.values())


def test_extraction_by_hand(figures: Figures) -> None:
    values = {"extract_core_seconds": 10, "extract_spark_efficiency": 0.5, "tail_factor": 1, "stage_minutes": 6}
    options = dataclasses.replace(CRAWL, inputs=36_000, cores=100, dollars_per_core_hour=0.05)
    made = of(figures, options, 0, **values)
    extract = made.stages[0]
    assert (extract.rows, extract.tasks) == (36_000, 36_000)
    assert extract.core_hours == pytest.approx(200)
    assert extract.hours == pytest.approx(2.1)
    assert extract.dollars == pytest.approx(2.1 * 100 * 0.05)
    assert made.dollars == pytest.approx(sum(s.dollars for s in made.stages) + made.startup_hours * 100 * 0.05)


def test_no_stage_uses_more_cores_than_it_has_tasks(figures: Figures) -> None:
    few, many = (of(figures, dataclasses.replace(CRAWL, inputs=10, cores=cores)) for cores in (10, 1000))
    assert few.stages[0].hours == many.stages[0].hours
    assert few.stages[0].dollars < many.stages[0].dollars


@pytest.mark.parametrize(
    ("crawl", "inputs", "files"), [("C", 0, 90_000), ("C:20", 0, 20), ("C:20:warc", 0, 20), ("C", 7, 7), ("C:20", 7, 7)]
)
def test_number_of_files(figures: Figures, crawl: str, inputs: int, files: int) -> None:
    assert of(figures, PlanOptions(crawl=crawl, inputs=inputs)).inputs == files


def test_passes_follow_from_the_disks(figures: Figures) -> None:
    roomy = of(figures, dataclasses.replace(CRAWL, node_disk=10_000))
    tight = of(figures, dataclasses.replace(CRAWL, node_disk=100))
    assert roomy.dedup_passes == 1
    usable = tight.nodes * 100e9 * figures["disk_share"]
    match = tight.stages[1]
    assert match.shuffle_bytes <= usable < match.shuffle_bytes * tight.dedup_passes / (tight.dedup_passes - 1)
    assert match.core_hours == roomy.stages[1].core_hours
    assert of(figures, dataclasses.replace(CRAWL, dedup_passes=9)).dedup_passes == 9


def test_partitions_stay_few_enough_for_the_driver(figures: Figures) -> None:
    for passes in (0, 1, 4):
        made = of(figures, dataclasses.replace(CRAWL, dedup_passes=passes))
        assert made.stages[1].tasks <= 8_000
        assert made.pairs_per_task * made.stages[1].tasks * made.dedup_passes >= made.stages[1].rows
    small = of(figures, PlanOptions(crawl="C:20"))
    assert small.pairs_per_task == 500_000


@pytest.mark.parametrize("name", ["emr", "emr-serverless", "dataproc", "dataproc-serverless", "own"])
@pytest.mark.parametrize("worker", [300, 800, 2000, 5000])
def test_executors_fit_their_nodes(figures: Figures, name: str, worker: int) -> None:
    platform = figures.platforms[name]
    made = executor_plan(platform, 512, worker, 1024)
    whole = made.heap_megabytes + made.overhead_megabytes
    assert made.per_node * whole <= platform.yarn_megabytes
    assert made.per_node * made.cores <= platform.node_cores
    assert made.heap_megabytes >= 1024 * made.cores
    assert made.overhead_megabytes >= made.cores * worker + max(384, made.heap_megabytes // 10)
    assert made.instances * made.cores >= 512


def test_memory_follows_from_the_largest_list(figures: Figures) -> None:
    small, large = (of(figures, CRAWL, entries).executor for entries in (1000, 500_000))
    assert small.worker_megabytes == -(-3 * int(figures["extract_worker_megabytes"]) // 2)
    assert 518 * figures["memory_margin"] - 1 <= large.worker_megabytes <= 518 * figures["memory_margin"] + 2
    with pytest.raises(UserError, match="doesn't fit"):
        of(figures, CRAWL, 60_000_000)


@pytest.mark.parametrize("cores", [4, 512, 1999, 4096])
def test_two_rounds_of_files_fill_the_cores(figures: Figures, cores: int) -> None:
    made = of(figures, dataclasses.replace(CRAWL, cores=cores))
    assert 2 * made.files_per_round >= cores and made.files_per_round >= 1000


@pytest.mark.parametrize("change", ["nonsense=1", "tail_factor", "tail_factor=x", "tail_factor=0", "tail_factor=nan"])
def test_figures_that_are_none(figures: Figures, change: str) -> None:
    with pytest.raises(UserError, match="--figures"):
        figures.with_values([change])


def test_the_command_tells_both_kinds_of_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "en.txt").write_text("".join(f"entry {number}\n" for number in range(1234)))
    (tmp_path / "de.txt").write_text("ein\n")
    arguments = ["plan", "--crawl", "CC-MAIN-2025-30", "--cores", "512", "--metadata", str(tmp_path)]
    assert main([*arguments, "--figures", "kept_share=0.5,tail_factor=2"]) == 0
    shown = capsys.readouterr().out
    assert "1,234 entries" in shown
    for kind in ("measured", "assumed", "given"):
        assert f" {kind} " in shown
    for stage in ("extract", "match", "count", "balance", "sample", "all,"):
        assert any(line.startswith(stage) for line in shown.splitlines())
    assert main([*arguments, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["entries"] == 1234 and made["platform"]["name"] == "emr"
    assert made["figures"]["extract_core_seconds"]["kind"] == "measured"
    assert main(["plan", "--cores", "0"]) == 2
