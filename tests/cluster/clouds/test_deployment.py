"""What is sent, before it has a service's form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.cluster.clouds.bundle import Bundle, read_settings
from metaclip_curate.cluster.clouds.deployment import run_name
from metaclip_curate.commands.program import make_parser
from metaclip_curate.errors import UserError
from tests.cluster.clouds.conftest import MakeRun

OUT = ("--output", "s3://bucket/metaclip-curate/Run_1/")


def deployed(run: Any) -> Any:
    return run.deployment


def test_each_stage_gets_its_options_and_no_others(make_run: MakeRun) -> None:
    made = deployed(
        make_run("emr", *OUT, "--crawl", "CC-MAIN-2025-30", "--t", "170000", "--seed", "9", "--languages", "en,de")
    )
    arguments = {job.stage: job.arguments for job in made.jobs}
    assert list(arguments) == ["extract", "dedup", "match", "count", "balance", "sample"]
    common = {
        "--output=s3://bucket/metaclip-curate/Run_1/",
        "--cc-base=s3://commoncrawl",
        "--s3-region=us-east-1",
        "--max-attempts=20",
    }
    for stage in arguments:
        assert common <= set(arguments[stage])
    assert arguments["extract"][arguments["extract"].index("--input") + 1] == "cc:CC-MAIN-2025-30"
    assert "--seed=9" in arguments["extract"] and "--seed=9" in arguments["sample"]
    assert "--seed=9" not in arguments["match"]
    assert "--t=170000" in arguments["balance"] and "--t=170000" not in arguments["sample"]
    assert "--languages=en,de" in arguments["match"] and "--languages=en,de" in arguments["count"]


@pytest.mark.parametrize("service", ["emr", "dataproc"])
def test_stages_take_what_they_are_given(make_run: MakeRun, service: str) -> None:
    place = OUT if service == "emr" else ("--output", "gs://bucket/run", "--project", "p")
    options = ("--crawl", "C", "--tail-share", "0.06", "--rows-per-file", "20000", "--ignore-opt-out")
    made = deployed(make_run(service, *place, *options))
    for job in made.jobs:
        parsed = vars(make_parser("job").parse_args([job.stage, *job.arguments]))
        assert parsed["run.output"] == place[1]
        assert parsed.get("balance.tail_share", 0.06) == 0.06
        assert parsed.get("dedup.pairs_per_task", made.plan.pairs_per_task) == made.plan.pairs_per_task
        assert parsed.get("extract.ignore_opt_out", True) is True


def test_local_metadata_is_sent_along(make_run: MakeRun, metadata: Path) -> None:
    made = deployed(make_run("emr", *OUT, "--crawl", "CC-MAIN-2025-30"))
    (sent,) = {upload.url.rpartition("/")[0] for upload in made.uploads if "/metadata/" in upload.url}
    assert {Path(upload.local).name for upload in made.uploads if "/metadata/" in upload.url} == {"en.txt", "de.txt"}
    assert f"--metadata={sent}" in made.jobs[2].arguments
    (metadata / "en.txt").write_text("another\n")
    again = deployed(make_run("emr", *OUT, "--crawl", "CC-MAIN-2025-30"))
    assert f"--metadata={sent}" not in again.jobs[2].arguments  # other lists are another folder


def test_metadata_in_a_bucket_stays_there(make_run: MakeRun) -> None:
    arguments = ("--metadata", "s3://other/lists", "--dry-run")
    made = deployed(make_run("emr", *OUT, "--crawl", "CC-MAIN-2025-30", *arguments))
    assert "--metadata=s3://other/lists" in made.jobs[2].arguments
    assert not [upload for upload in made.uploads if "/metadata/" in upload.url]


def test_sizes_come_from_the_plan_and_give_way_to_what_is_asked(make_run: MakeRun, package: Path) -> None:
    made = deployed(make_run("emr", *OUT, "--crawl", "CC-MAIN-2025-30", "--spark-settings", "spark.log.level=INFO"))
    executor = made.plan.executor
    shipped = read_settings(package / "spark-defaults.conf")
    assert made.settings["spark.executor.memoryOverhead"] == f"{executor.overhead_megabytes}m"
    assert made.settings["spark.dynamicAllocation.maxExecutors"] == "16"
    assert made.settings["spark.log.level"] == "INFO" != shipped["spark.log.level"]
    assert made.settings["spark.task.maxFailures"] == shipped["spark.task.maxFailures"]


def test_some_stages_only(make_run: MakeRun) -> None:
    made = deployed(make_run("emr", *OUT, "--stages", "sample,balance"))
    assert [job.stage for job in made.jobs] == ["balance", "sample"]
    assert not [upload for upload in made.uploads if "/metadata/" in upload.url or "match.py" in upload.url]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--crawl", "X"], "--output must be a folder in a bucket, s3://"),
        (["--output", "gs://b/x", "--crawl", "X"], "s3://"),
        ([*OUT], "--crawl or --input is missing"),
        ([*OUT, "--input", "examples/wat"], "on this machine"),
        ([*OUT, "--input", "@list.txt"], "on this machine"),
        ([*OUT, "--crawl", "X", "--stages", "match,draw"], "not draw"),
        ([*OUT, "--crawl", "X", "--metadata", "/nowhere"], "/nowhere"),
        ([*OUT, "--crawl", "X", "--package", "/nowhere"], "make package"),
        ([*OUT, "--crawl", "X", "--lid-model", "m.ftz"], "--lid-model"),
        ([*OUT, "--crawl", "X", "--spark-settings", "spark.x"], "NAME=VALUE"),
    ],
)
def test_mistakes_are_reported_before_anything_is_sent(make_run: MakeRun, arguments: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        make_run("emr", *arguments)


def test_a_package_of_two_archives_is_refused(package: Path) -> None:
    (package / "metaclip-curate-0.2.0-cp311-linux_x86_64.tar.gz").write_bytes(b"")
    with pytest.raises(UserError, match=r"0\.1\.0.*0\.2\.0.*make package"):
        Bundle.find(str(package))


@pytest.mark.parametrize(
    ("text", "name"),
    [("Run_1", "run-1"), ("2025-30", "run-2025-30"), ("x" * 50, "x" * 40), ("a" * 39 + "_b", "a" * 39)],
)
def test_names(text: str, name: str) -> None:
    assert run_name(text) == name


def test_pages_of_a_crawl_are_an_input_of_a_cluster(make_run: MakeRun) -> None:
    given = ("--input", "cc-index:CC-MAIN-2025-30", "--index-languages", "swa,hau", "--index-pages", "1000")
    extract = deployed(make_run("emr", *OUT, *given)).jobs[0].arguments
    assert extract[extract.index("--input") + 1] == "cc-index:CC-MAIN-2025-30"
    assert "--index-languages=swa,hau" in extract
