"""A whole run on moto's EMR Serverless, and what is sent held to AWS's own model of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from moto.emrserverless import models
from moto.emrserverless.models import emrserverless_backends

from metaclip_curate.errors import JobFailedError
from tests.cluster.clouds.conftest import MakeRun
from tests.support.aws import (
    ACCOUNT,
    CRAWL,
    REGION,
    Script,
    empty_bucket,
    errors_of,
    granted_actions,
    interrupt,
    record_actions,
    stack,
)

pytestmark = pytest.mark.slow  # moto alone takes seconds to import

STAGES = ("extract", "dedup", "match", "count", "balance", "sample")


@pytest.fixture(scope="module")
def account() -> Iterator[dict[str, str]]:
    with stack("emr-serverless", "metaclip-curate-serverless") as made:
        yield made


@pytest.fixture
def outputs(account: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The stack's, in an account without files, applications and runs; runs begin as pending."""
    monkeypatch.setattr(models, "JOB_STATUS", "PENDING")
    empty_bucket()
    emrserverless_backends[ACCOUNT][REGION].applications.clear()
    emrserverless_backends[ACCOUNT][REGION].job_runs.clear()
    return account


def runs() -> list[Any]:
    return [run for runs in emrserverless_backends[ACCOUNT][REGION].job_runs.values() for run in runs]


def application() -> Any:
    (made,) = emrserverless_backends[ACCOUNT][REGION].applications.values()
    return made


def move(state: str, detail: str = "") -> None:
    runs()[-1].state, runs()[-1].state_details = state, detail


@pytest.mark.slow
def test_a_run_from_upload_to_the_last_stage(make_run: MakeRun, outputs: dict[str, str]) -> None:
    moves = [lambda: move("RUNNING"), lambda: move("SUCCESS")] * 6
    script = Script(list(moves))
    make_run("emr-serverless", *CRAWL, monitor=script.monitor()).run()
    assert [run.name for run in runs()] == [f"run-1-{stage}" for stage in STAGES]
    for stage in STAGES:
        states = [line.split(": ")[1] for line in script.lines if line.startswith(f"{stage}: ")]
        assert states == ["PENDING", "RUNNING", "SUCCESS"]
    assert application().state == "TERMINATED"
    assert {run.execution_role_arn for run in runs()} == {outputs["ExecutionRole"]}


def test_a_failing_stage_ends_all_and_says_where_the_logs_are(make_run: MakeRun, outputs: dict[str, str]) -> None:
    script = Script([lambda: move("SUCCESS"), lambda: move("FAILED", "Job failed, exit code 137")])
    with pytest.raises(JobFailedError, match=r"dedup failed: Job failed, exit code 137; .*/SPARK_DRIVER/"):
        make_run("emr-serverless", *CRAWL, monitor=script.monitor()).run()
    assert [run.state for run in runs()] == ["SUCCESS", "FAILED"]
    assert application().state == "TERMINATED"


def test_ctrl_c_cancels_the_stage_and_removes_the_application(make_run: MakeRun, outputs: dict[str, str]) -> None:
    script = Script([lambda: move("RUNNING"), interrupt])
    with pytest.raises(JobFailedError, match="stopped"):
        make_run("emr-serverless", *CRAWL, monitor=script.monitor()).run()
    assert [run.state for run in runs()] == ["CANCELLED"]
    assert application().state == "TERMINATED"


@pytest.mark.parametrize(
    "extra", [(), ("--release", "emr-spark-8.0.0"), ("--image", "1.dkr.ecr.us-east-1.amazonaws.com/m:1")]
)
def test_the_requests_are_what_aws_takes(make_run: MakeRun, extra: tuple[str, ...]) -> None:
    calls = [call for call in make_run("emr-serverless", *CRAWL, *extra).calls() if call["call"] != "upload"]
    assert [call["call"] for call in calls] == ["create_application"] + ["start_job_run"] * 6
    names = {"create_application": "CreateApplication", "start_job_run": "StartJobRun"}
    for call in calls:
        filled = {"clientToken": "t", **call["parameters"]}
        if "executionRoleArn" in filled:
            filled["executionRoleArn"] = "arn:aws:iam::123456789012:role/execution"
        assert errors_of("emr-serverless", names[call["call"]], filled) == ""


def test_the_runners_rights_are_enough(
    make_run: MakeRun, outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = granted_actions(outputs["RunnerPolicy"])
    asked = record_actions(monkeypatch)
    with pytest.raises(JobFailedError):
        make_run("emr-serverless", *CRAWL, monitor=Script([lambda: move("RUNNING"), interrupt]).monitor()).run()
    assert {"emr-serverless:StartJobRun", "emr-serverless:DeleteApplication", "s3:PutObject"} <= asked
    assert asked <= granted


def test_a_worker_is_of_a_size_that_the_service_has(make_run: MakeRun) -> None:
    calls = make_run("emr-serverless", *CRAWL).calls()
    submit = calls[-1]["parameters"]["jobDriver"]["sparkSubmit"]
    words = shlex.split(submit["sparkSubmitParameters"])
    settings = dict(word.split("=", 1) for word in words if word != "--conf")
    assert len(words) == 2 * len(settings)
    megabytes = sum(
        int(settings[name].removesuffix("m")) for name in ("spark.executor.memory", "spark.executor.memoryOverhead")
    )
    # AWS's table: with 4 vCPU from 8 to 30 GB.
    assert settings["spark.executor.cores"] == "4" and 8 * 1024 <= megabytes <= 30 * 1024
    assert settings["spark.archives"].endswith("#environment")
    assert not [name for name in settings if name.startswith("spark.yarn.")]
    limit = re.fullmatch(r"(\d+) vCPU", calls[9]["parameters"]["maximumCapacity"]["cpu"])
    assert limit and int(limit[1]) == 64 + 4
