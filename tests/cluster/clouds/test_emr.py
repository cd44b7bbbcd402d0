"""A whole run on moto's EMR, from the stack to the last step, and what is sent held to AWS's own model of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import moto.emr
import pytest
from botocore.exceptions import EndpointConnectionError
from moto.emr.models import emr_backends

from metaclip_curate.cli import main
from metaclip_curate.errors import JobFailedError, UserError
from tests.cluster.clouds.conftest import MakeRun
from tests.support.aws import (
    ACCOUNT,
    BUCKET,
    CRAWL,
    OUT,
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


@pytest.fixture(scope="module")
def account() -> Iterator[dict[str, str]]:
    with stack("emr", "metaclip-curate") as made:
        yield made


@pytest.fixture
def outputs(account: dict[str, str]) -> dict[str, str]:
    """The stack's, in an account without files and clusters."""
    empty_bucket()
    emr_backends[ACCOUNT][REGION].clusters.clear()
    return account


def cluster() -> Any:
    (made,) = emr_backends[ACCOUNT][REGION].clusters.values()
    return made


def complete(number: int, state: str = "COMPLETED") -> None:
    steps = cluster().steps
    steps[number].state = state
    if state == "COMPLETED" and number + 1 < len(steps):
        steps[number + 1].state = "RUNNING"


def complete_all() -> None:
    for number in range(6):
        complete(number)


@pytest.mark.slow
def test_a_run_from_upload_to_the_last_step(make_run: MakeRun, outputs: dict[str, str]) -> None:
    script = Script([partial(complete, number) for number in range(6)])
    make_run("emr", *CRAWL, monitor=script.monitor()).run()
    stored = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    names = sorted(item["Key"].rpartition("/")[2] for item in stored)
    assert names == sorted(
        ["metaclip-curate-0.1.0-cp311-linux_x86_64.tar.gz", "en.txt", "de.txt"]
        + [f"{stage}.py" for stage in ("extract", "dedup", "match", "count", "balance", "sample")]
    )
    logged = [line for line in script.lines if not line.startswith("cluster")]
    assert logged[0] == f"9 of 9 files uploaded to {OUT[1]}"
    stages = ("extract", "dedup", "match", "count", "balance", "sample")
    for stage in stages:
        assert [line for line in logged if line.startswith(stage)][-2:] == [f"{stage}: RUNNING", f"{stage}: COMPLETED"]
    assert [line.split(":")[0] for line in logged[1:7]] == list(stages)
    sent = boto3.client("emr", REGION).describe_cluster(ClusterId=cluster().id)["Cluster"]
    assert sent["LogUri"] == outputs["LogUrl"]
    assert sent["AutoTerminate"] is True
    assert {"Key": "project", "Value": "metaclip-curate"} in sent["Tags"]
    assert {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"} in sent["Tags"]
    assert cluster().role == outputs["NodeProfile"]
    assert sent["SecurityConfiguration"] == outputs["SecurityConfiguration"]


def test_what_is_there_is_not_sent_again(make_run: MakeRun, outputs: dict[str, str]) -> None:
    for expected in (9, 0):
        script = Script([complete_all])
        emr_backends[ACCOUNT][REGION].clusters.clear()
        make_run("emr", *CRAWL, monitor=script.monitor()).run()
        assert script.lines[0] == f"{expected} of 9 files uploaded to {OUT[1]}"


def test_a_failing_step_ends_the_cluster_and_says_where_the_logs_are(
    make_run: MakeRun, outputs: dict[str, str]
) -> None:
    script = Script([lambda: complete(0), lambda: complete(1, "FAILED")])
    with pytest.raises(JobFailedError, match=r"dedup failed.*s3://.*/emr/.*steps/s-.*/stderr\.gz.*containers"):
        make_run("emr", *CRAWL, monitor=script.monitor()).run()
    assert cluster().state == "TERMINATED"


def test_ctrl_c_ends_the_cluster(make_run: MakeRun, outputs: dict[str, str]) -> None:
    script = Script([lambda: complete(0), interrupt])
    with pytest.raises(JobFailedError, match="is being ended; the same command goes on"):
        make_run("emr", *CRAWL, monitor=script.monitor()).run()
    assert cluster().state == "TERMINATED"


def test_a_cluster_that_ends_early_is_a_failure(make_run: MakeRun, outputs: dict[str, str]) -> None:
    with pytest.raises(JobFailedError, match="ended before its steps"):
        make_run("emr", *CRAWL, monitor=Script([lambda: cluster().terminate()]).monitor()).run()


def test_a_broken_connection_does_not_end_the_run(
    make_run: MakeRun, outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from metaclip_curate.cluster.clouds import emr

    real, failures = emr._states, iter([True, True])

    def states(client: Any, cluster_id: str) -> Any:
        if next(failures, False):
            raise EndpointConnectionError(endpoint_url="https://elasticmapreduce.us-east-1.amazonaws.com")
        return real(client, cluster_id)

    monkeypatch.setattr(emr, "_states", states)
    script = Script([lambda: None, lambda: None, complete_all])
    make_run("emr", *CRAWL, monitor=script.monitor()).run()
    assert len([line for line in script.lines if line.startswith("no answer")]) == 2
    assert cluster().state != "TERMINATED"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--output", "s3://elsewhere/run", "--crawl", "X"),
        (*CRAWL, "--output", f"s3://{BUCKET}/metaclip-curate-not"),
        (*OUT, "--input", "s3://elsewhere/wats/"),
        (*OUT, "--input", "s3://commoncrawl/crawl-data/a.wat.gz", "@s3://elsewhere/list.txt"),
    ],
)
def test_places_out_of_the_roles_reach_are_refused(
    make_run: MakeRun, outputs: dict[str, str], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(UserError, match=f"isn't below s3://{BUCKET}/metaclip-curate"):
        make_run("emr", *arguments).run()
    assert not emr_backends[ACCOUNT][REGION].clusters


def test_the_runners_rights_are_enough(
    make_run: MakeRun, outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = granted_actions(outputs["RunnerPolicy"])
    asked = record_actions(monkeypatch)
    with pytest.raises(JobFailedError):
        make_run("emr", *CRAWL, monitor=Script([lambda: complete(0), interrupt]).monitor()).run()
    assert {"elasticmapreduce:RunJobFlow", "elasticmapreduce:TerminateJobFlows", "s3:PutObject"} <= asked
    assert asked <= granted


def test_a_missing_stack_is_a_mistake(make_run: MakeRun, outputs: dict[str, str]) -> None:
    with pytest.raises(UserError, match="the stack other in us-east-1 can't be read"):
        make_run("emr", *CRAWL, "--stack", "other").run()


@pytest.mark.parametrize("release", ["emr-7.13.0", "emr-spark-8.0.0"])
def test_the_request_is_what_aws_takes(make_run: MakeRun, release: str) -> None:
    request = make_run("emr", *CRAWL, "--release", release).calls()[-1]["parameters"]
    assert errors_of("emr", "RunJobFlow", request) == ""
    assert "Instance" in errors_of("emr", "RunJobFlow", {**request, "Instance": {}})
    resources = Path(moto.emr.__file__).parent / "resources"
    known = json.loads(gzip.decompress((resources / f"instance-types-{release}.json.gz").read_bytes()))
    fleets = {fleet["InstanceFleetType"]: fleet for fleet in request["Instances"]["InstanceFleets"]}
    used = {kind["InstanceType"] for fleet in fleets.values() for kind in fleet["InstanceTypeConfigs"]}
    assert used <= set(known)
    assert all(len(fleet["InstanceTypeConfigs"]) <= 5 for fleet in fleets.values())  # EMR's limit


def test_fleets_are_as_planned(make_run: MakeRun) -> None:
    request = make_run("emr", *CRAWL, "--cores", "512").calls()[-1]["parameters"]
    primary, core, task = request["Instances"]["InstanceFleets"]
    assert primary["TargetOnDemandCapacity"] == 1
    assert (core["TargetOnDemandCapacity"], task["TargetSpotCapacity"]) == (64, 448)
    assert "TargetSpotCapacity" not in core
    specification = task["LaunchSpecifications"]["SpotSpecification"]
    assert specification["AllocationStrategy"] == "price-capacity-optimized"
    only_on_demand = make_run("emr", *CRAWL, "--on-demand-share", "1").calls()[-1]["parameters"]
    assert [fleet["Name"] for fleet in only_on_demand["Instances"]["InstanceFleets"]] == ["primary", "core"]


def test_steps_are_spark_submits_of_the_uploaded_files(make_run: MakeRun) -> None:
    *uploads, start = make_run("emr", *CRAWL).calls()
    urls = {upload["parameters"]["url"] for upload in uploads}
    for step in start["parameters"]["Steps"]:
        arguments = step["HadoopJarStep"]["Args"]
        assert arguments[:3] == ["spark-submit", "--deploy-mode", "cluster"]
        archive = arguments[arguments.index("--archives") + 1]
        assert archive.removesuffix("#environment") in urls and archive.endswith("#environment")
        assert next(argument for argument in arguments if argument.endswith(f"/{step['Name']}.py")) in urls
        assert step["ActionOnFailure"] == "TERMINATE_CLUSTER"
    settings = {entry["Classification"]: entry["Properties"] for entry in start["parameters"]["Configurations"]}
    assert settings["spark-defaults"]["spark.yarn.appMasterEnv.PYSPARK_PYTHON"] == "./environment/bin/python"
    assert settings["yarn-site"]["yarn.node-labels.am.default-node-label-expression"] == "CORE"


def test_a_dry_run_needs_neither_credentials_nor_network(
    package: Path, metadata: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import socket

    def refuse(*arguments: object) -> None:
        raise AssertionError("a dry run opens no connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    google = ["--output", "gs://b/run", "--crawl", "X", "--project", "p"]
    services = {
        "emr": CRAWL,
        "emr-serverless": CRAWL,
        "dataproc": google,
        "dataproc-serverless": [*google, "--image", "i"],
    }
    for service, own in services.items():
        arguments = ["deploy", service, *own, "--package", str(package), "--metadata", str(metadata), "--dry-run"]
        assert main(arguments) == 0
        assert json.loads(capsys.readouterr().out)[0]["call"] == "upload"
