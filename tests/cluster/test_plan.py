"""A plan and how it follows from its rates."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from metaclip_curate.cli import main
from metaclip_curate.cluster.executors import executor_plan
from metaclip_curate.cluster.plan import Plan, plan
from metaclip_curate.cluster.rates import Rates, load_rates
from metaclip_curate.errors import UserError
from metaclip_curate.options.plan import PlanOptions

CRAWL = PlanOptions(crawl="CC-MAIN-2025-30")


@pytest.fixture(scope="module")
def rates() -> Rates:
    return load_rates()


def of(rates: Rates, options: PlanOptions = CRAWL, entries: int = 0, **changes: float) -> Plan:
    return plan(options, rates.with_values(f"{name}={value}" for name, value in changes.items()), entries)


def test_every_rate_says_where_it_comes_from(rates: Rates) -> None:
    assert {rate.kind for rate in rates.numbers.values()} == {"measured", "assumed"}
    assert all(rate.unit and len(rate.source) > 7 for rate in rates.numbers.values())
    assert all(platform.price_date and platform.price_source for platform in rates.platforms.values())


def test_extraction_by_hand(rates: Rates) -> None:
    values = {"extract_core_seconds": 10, "extract_spark_efficiency": 0.5, "tail_factor": 1, "stage_minutes": 6}
    options = dataclasses.replace(CRAWL, input_files=36_000, cores=100, dollars_per_core_hour=0.05)
    made = of(rates, options, 0, **values)
    extract = made.stages[0]
    assert (extract.rows, extract.tasks) == (36_000, 36_000)
    assert extract.core_hours == pytest.approx(200)
    assert extract.hours == pytest.approx(2.1)
    assert extract.dollars == pytest.approx(2.1 * 100 * 0.05)
    assert made.dollars == pytest.approx(sum(s.dollars for s in made.stages) + made.startup_hours * 100 * 0.05)


def test_deduplication_by_hand(rates: Rates) -> None:
    times = {"dedup_microseconds": 2, "dedup_read_microseconds": 1, "distinct_microseconds": 10}
    sizes = {"dedup_uid_bytes": 20, "dedup_row_bytes": 100, "distinct_bytes": 50}
    options = dataclasses.replace(CRAWL, input_files=36_000, dedup_passes=4)
    dedup = of(rates, options, 0, pairs_per_wat=1000, distinct_share=0.5, **times, **sizes).stages[1]
    assert dedup.rows == 36_000_000
    # For each pair 2 once, and 1 in each of four passes; 10 for half of them.
    assert dedup.core_hours == pytest.approx(36 * (2 + 4 * 1 + 10 / 2) / 3600)
    # Of a quarter of the uids at a time.
    assert dedup.shuffle_bytes == 36_000_000 * (20 + 100 / 2) / 4
    assert dedup.written_bytes == 18_000_000 * 50


def test_no_stage_uses_more_cores_than_it_has_tasks(rates: Rates) -> None:
    few, many = (of(rates, dataclasses.replace(CRAWL, input_files=10, cores=cores)) for cores in (10, 1000))
    assert few.stages[0].hours == many.stages[0].hours
    assert few.stages[0].dollars < many.stages[0].dollars


@pytest.mark.parametrize(
    ("crawl", "inputs", "files"), [("C", 0, 90_000), ("C:20", 0, 20), ("C:20:warc", 0, 20), ("C", 7, 7), ("C:20", 7, 7)]
)
def test_number_of_files(rates: Rates, crawl: str, inputs: int, files: int) -> None:
    assert of(rates, PlanOptions(crawl=crawl, input_files=inputs)).inputs == files


def test_more_pages_than_the_files_have(rates: Rates) -> None:
    twenty = PlanOptions(crawl="C:20", index_pages=round(20 / 90_000 * rates["pages_per_crawl"]))
    assert of(rates, twenty).selection is not None
    with pytest.raises(UserError, match=r"--index-pages must be at most 555,556, the number of pages of 20 files, not"):
        of(rates, dataclasses.replace(twenty, index_pages=twenty.index_pages + 1))


def test_passes_follow_from_the_disks(rates: Rates) -> None:
    roomy = of(rates, dataclasses.replace(CRAWL, node_disk=10_000))
    tight = of(rates, dataclasses.replace(CRAWL, node_disk=30))
    assert roomy.dedup_passes == 1
    usable = tight.nodes * 30e9 * rates["disk_share"]
    dedup = tight.stages[1]
    assert dedup.shuffle_bytes <= usable < dedup.shuffle_bytes * tight.dedup_passes / (tight.dedup_passes - 1)
    read_again = (tight.dedup_passes - 1) * dedup.rows * rates["dedup_read_microseconds"] / 1e6 / 3600
    assert dedup.core_hours == pytest.approx(roomy.stages[1].core_hours + read_again)
    assert of(rates, dataclasses.replace(CRAWL, dedup_passes=9)).dedup_passes == 9


def test_partitions_stay_few_enough_for_the_driver(rates: Rates) -> None:
    for passes in (0, 1, 4):
        made = of(rates, dataclasses.replace(CRAWL, dedup_passes=passes))
        dedup, match = made.stages[1:3]
        assert dedup.tasks <= 8_000
        assert made.pairs_per_task * dedup.tasks * made.dedup_passes >= match.rows
        assert (match.tasks, match.shuffle_bytes) == (dedup.tasks * made.dedup_passes, 0)
        assert match.rows == round(dedup.rows * rates["distinct_share"])
    small = of(rates, PlanOptions(crawl="C:20"))
    assert small.pairs_per_task == 500_000


@pytest.mark.parametrize("name", ["emr", "emr-serverless", "dataproc", "dataproc-serverless", "own"])
@pytest.mark.parametrize("worker", [300, 800, 2000, 5000])
def test_executors_fit_their_nodes(rates: Rates, name: str, worker: int) -> None:
    platform = rates.platforms[name]
    made = executor_plan(platform, 512, worker, 1024)
    whole = made.heap_megabytes + made.overhead_megabytes
    assert made.per_node * whole <= platform.yarn_megabytes
    assert made.per_node * made.cores <= platform.node_cores
    assert made.heap_megabytes >= 1024 * made.cores
    assert made.overhead_megabytes >= made.cores * worker + max(384, made.heap_megabytes // 10)
    assert made.instances * made.cores >= 512


def test_memory_follows_from_the_largest_list(rates: Rates) -> None:
    small, large = (of(rates, CRAWL, entries).executor for entries in (1000, 500_000))
    assert small.worker_megabytes == -(-3 * int(rates["extract_worker_megabytes"]) // 2)
    assert 518 * rates["memory_margin"] - 1 <= large.worker_megabytes <= 518 * rates["memory_margin"] + 2
    with pytest.raises(UserError, match="doesn't fit"):
        of(rates, CRAWL, 60_000_000)


@pytest.mark.parametrize("cores", [4, 512, 1999, 4096])
def test_two_rounds_of_files_fill_the_cores(rates: Rates, cores: int) -> None:
    made = of(rates, dataclasses.replace(CRAWL, cores=cores))
    assert 2 * made.files_per_round >= cores and made.files_per_round >= 1000


@pytest.mark.parametrize("change", ["nonsense=1", "tail_factor", "tail_factor=x", "tail_factor=0", "tail_factor=nan"])
def test_figures_that_are_none(rates: Rates, change: str) -> None:
    with pytest.raises(UserError, match="--rates"):
        rates.with_values([change])


def test_rates_are_named_below_the_plan_and_listed_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--rates", "kept_share=0.5"]) == 0
    printed = capsys.readouterr().out
    below = printed[printed.index("\nOf ") :].splitlines()
    assert all(len(line) <= 80 for line in below if not line.startswith("Prices"))
    assert "given: kept_share=0.5" in below
    assert "assumed: inputs_per_crawl=90000, wat_megabytes=400," in printed
    assert "extract_spark_efficiency" not in printed
    assert main(["plan", "--show-rates"]) == 0
    assert "extract_spark_efficiency" in capsys.readouterr().out


def test_the_command_prints_all_kinds_of_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "en.txt").write_text("".join(f"entry {number}\n" for number in range(1234)))
    (tmp_path / "de.txt").write_text("ein\n")
    arguments = ["plan", "--crawl", "CC-MAIN-2025-30", "--cores", "512", "--metadata", str(tmp_path)]
    assert main([*arguments, "--rates", "kept_share=0.5,tail_factor=2", "--show-rates"]) == 0
    shown = capsys.readouterr().out
    assert "1,234 entries" in shown
    for kind in ("measured", "assumed", "given"):
        assert f" {kind} " in shown
    for stage in ("extract", "dedup", "match", "count", "balance", "sample", "all,"):
        assert any(line.startswith(stage) for line in shown.splitlines())
    assert main([*arguments, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["entries"] == 1234 and made["platform"]["name"] == "emr"
    assert made["rates"]["extract_spark_efficiency"]["kind"] == "measured"
    assert main(["plan", "--cores", "0"]) == 2


def test_chosen_pages_beside_the_whole_crawl(rates: Rates, capsys: pytest.CaptureFixture[str]) -> None:
    whole = of(rates)
    few, many = (of(rates, dataclasses.replace(CRAWL, index_pages=pages)) for pages in (1_000, 1_000_000))
    assert [stage.name for stage in many.stages][:2] == ["select", "extract"]
    assert few.selection is not None
    assert many.selection is not None
    # Few pages are each in a WARC of their own, and each takes a request.
    assert 990 < few.inputs <= 1_000 == few.selection.requests
    assert 85_000 < many.inputs < 90_000
    assert 900_000 < many.selection.requests < 1_000_000
    assert many.stages[2].rows == pytest.approx(whole.stages[1].rows * 1_000_000 / rates["pages_per_crawl"], rel=1e-6)
    assert few.dollars < many.dollars < whole.dollars / 2
    assert (many.selection.whole_hours, many.selection.whole_dollars) == (whole.hours, whole.dollars)
    assert main(["plan", "--crawl", "CC-MAIN-2025-30", "--index-pages", "1000000"]) == 0
    printed = capsys.readouterr().out
    assert "1,000,000 pages (30.0 GB) in 89," in printed
    assert f"all WAT files of the crawl have 36,000 GB and take {whole.hours:,.2f} hours" in printed


@pytest.mark.parametrize("crawl", ["foo", "CC-MAIN", "CC-MAIN-2025-3", "CC-MAIN-2025-30:many"])
def test_what_is_no_crawl_has_no_price(crawl: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--crawl", crawl]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.strip().endswith(f"not {crawl}")


@pytest.mark.parametrize(
    "crawl", ["CC-MAIN-2008-2009", "CC-MAIN-2012", "CC-MAIN-2025-30:20", "CC-MAIN-2025-30:20:warc"]
)
def test_names_of_crawls(crawl: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--crawl", crawl]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"{crawl}: ")
    assert "assumed" not in first


def test_the_first_line_names_what_was_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert "(a whole crawl, assumed without --crawl and --input-files) on 512 cores (the default), " in first
    assert main(["plan", "--input-files", "100", "--cores", "5"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert "GB) on 8 cores (--cores 5, rounded up to whole executors of 4 cores), " in first
