"""A whole run on Dataproc's services on loopback, and what is sent held to Google's own message types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from metaclip_curate.cluster.clouds import gcp
from metaclip_curate.errors import JobFailedError, UserError
from tests.cluster.clouds.conftest import MakeRun
from tests.support.aws import Script, interrupt
from tests.support.servers.fixtures import gcs_server, no_proxy
from tests.support.servers.gcs import GcsServer

pytest.importorskip("google.cloud.dataproc_v1")
from google.cloud import dataproc_v1

from tests.support.loopback_dataproc import LoopbackDataproc

__all__ = ["gcs_server", "no_proxy"]

pytestmark = pytest.mark.slow

OUT = ("--output", "gs://curation/runs/run-1", "--project", "p", "--crawl", "CC-MAIN-2025-30")
IMAGE = ("--image", "us-central1-docker.pkg.dev/p/r/metaclip-curate:1")
STAGES = ("extract", "dedup", "match", "count", "balance", "sample")


@pytest.fixture
def dataproc(monkeypatch: pytest.MonkeyPatch, gcs_server: GcsServer) -> Iterator[LoopbackDataproc]:
    with LoopbackDataproc() as server:
        monkeypatch.setattr(gcp, "client", server.client)
        yield server


def state(thing: Any, name: str, detail: str = "") -> None:
    if not isinstance(thing, dataproc_v1.Batch):
        thing.status.state = name
        setattr(thing.status, "detail" if isinstance(thing, dataproc_v1.Cluster) else "details", detail)
    else:
        batch: Any = thing
        batch.state, batch.state_message = name, detail


def test_a_cluster_from_upload_to_its_end(make_run: MakeRun, dataproc: LoopbackDataproc, gcs_server: GcsServer) -> None:
    started = [lambda: state(dataproc.last("clusters"), "RUNNING")]
    stages = [lambda: state(dataproc.last("jobs"), "RUNNING"), lambda: state(dataproc.last("jobs"), "DONE")] * 6
    script = Script([*started, *stages])
    make_run("dataproc", *OUT, monitor=script.monitor()).run()
    assert len(gcs_server.objects) == 9
    assert [re.sub("-[0-9a-f]{8}$", "", name) for name in dataproc.jobs] == [f"run-1-{stage}" for stage in STAGES]
    for stage in STAGES:
        states = [line.split(": ")[1] for line in script.lines if line.startswith(f"{stage}: ")]
        assert states == ["PENDING", "RUNNING", "DONE"]
    assert dataproc.asked[-1] == "DeleteCluster"
    job = dataproc.last("jobs").pyspark_job
    (archive,) = job.archive_uris
    assert archive.removesuffix("#environment").removeprefix("gs://") in gcs_server.objects
    assert job.main_python_file_uri.removeprefix("gs://") in gcs_server.objects
    assert job.properties["spark.submit.deployMode"] == "cluster"


def test_a_failing_job_deletes_the_cluster(make_run: MakeRun, dataproc: LoopbackDataproc) -> None:
    def fail() -> None:
        job = dataproc.last("jobs")
        state(job, "ERROR", "exit code 1")
        job.driver_output_resource_uri = "gs://curation/out/driveroutput"

    script = Script([lambda: state(dataproc.last("clusters"), "RUNNING"), fail])
    with pytest.raises(JobFailedError, match=r"extract error: exit code 1; .*gs://curation/out/driveroutput\*"):
        make_run("dataproc", *OUT, monitor=script.monitor()).run()
    assert dataproc.asked[-1] == "DeleteCluster" and len(dataproc.jobs) == 1


def test_a_cluster_that_is_not_made_is_deleted(make_run: MakeRun, dataproc: LoopbackDataproc) -> None:
    script = Script([lambda: state(dataproc.last("clusters"), "ERROR", "no quota")])
    with pytest.raises(JobFailedError, match="the cluster couldn't be created: no quota"):
        make_run("dataproc", *OUT, monitor=script.monitor()).run()
    assert dataproc.asked[-1] == "DeleteCluster" and not dataproc.jobs


@pytest.mark.parametrize("service", ["dataproc", "dataproc-serverless"])
def test_ctrl_c_ends_what_runs(make_run: MakeRun, dataproc: LoopbackDataproc, service: str) -> None:
    running = [lambda: state(dataproc.last("clusters"), "RUNNING")] if service == "dataproc" else []
    extra = IMAGE if service == "dataproc-serverless" else ()
    with pytest.raises(JobFailedError, match="stopped"):
        make_run(service, *OUT, *extra, monitor=Script([*running, interrupt]).monitor()).run()
    if service == "dataproc":
        assert dataproc.asked[-1] == "DeleteCluster"
    else:
        assert dataproc.cancelled == [dataproc.last("batches").operation]


def test_what_google_refuses_is_reported(make_run: MakeRun, dataproc: LoopbackDataproc) -> None:
    dataproc.refusal = "no such property"
    script = Script([lambda: state(dataproc.last("clusters"), "RUNNING")])
    with pytest.raises(JobFailedError, match="Google Cloud refused: no such property"):
        make_run("dataproc", *OUT, monitor=script.monitor()).run()
    assert dataproc.asked[-1] == "DeleteCluster"


def test_batches_one_after_another(make_run: MakeRun, dataproc: LoopbackDataproc, gcs_server: GcsServer) -> None:
    moves = [lambda: state(dataproc.last("batches"), "RUNNING"), lambda: state(dataproc.last("batches"), "SUCCEEDED")]
    script = Script(moves * 6)
    make_run("dataproc-serverless", *OUT, *IMAGE, monitor=script.monitor()).run()
    assert [name.rpartition("/")[2][:-9] for name in dataproc.batches] == [f"run-1-{stage}" for stage in STAGES]
    assert not [name for name in gcs_server.objects if name.endswith(".tar.gz")]  # the image has it
    batch = dataproc.last("batches")
    assert batch.runtime_config.container_image == IMAGE[1]
    assert batch.runtime_config.properties["spark.pyspark.python"] == "/opt/metaclip-curate/bin/python"
    assert not [name for name in batch.runtime_config.properties if name.startswith(("spark.yarn", "spark.shuffle"))]


def test_a_failing_batch_is_reported(make_run: MakeRun, dataproc: LoopbackDataproc) -> None:
    script = Script([lambda: state(dataproc.last("batches"), "FAILED", "container exited")])
    with pytest.raises(JobFailedError, match="extract failed: container exited"):
        make_run("dataproc-serverless", *OUT, *IMAGE, monitor=script.monitor()).run()
    assert len(dataproc.batches) == 1


@pytest.mark.parametrize("extra", [("--image-version", "2.3"), ("--image-version", "3.0"), ("--cores", "512")])
def test_cluster_requests_are_googles_messages(make_run: MakeRun, extra: tuple[str, ...]) -> None:
    calls = [call for call in make_run("dataproc", *OUT, *extra).calls() if call["call"] != "upload"]
    types = {
        "create_cluster": dataproc_v1.CreateClusterRequest,
        "submit_job": dataproc_v1.SubmitJobRequest,
        "delete_cluster": dataproc_v1.DeleteClusterRequest,
    }
    for call in calls:
        types[call["call"]](call["parameters"])
    with pytest.raises(ValueError, match="misspelt"):
        dataproc_v1.CreateClusterRequest({"cluster": {"misspelt": 1}})
    cluster = dataproc_v1.CreateClusterRequest(calls[0]["parameters"]).cluster
    assert re.fullmatch("[a-z][a-z0-9-]{0,49}[a-z0-9]", cluster.cluster_name)
    assert cluster.config.worker_config.num_instances >= 2
    assert cluster.config.secondary_worker_config.preemptibility.name == "SPOT"
    assert cluster.config.lifecycle_config.idle_delete_ttl.total_seconds() == 1800
    assert cluster.config.software_config.properties["dataproc:am.primary_only"] == "true"
    assert not cluster.config.gce_cluster_config.internal_ip_only


def test_batch_requests_are_googles_messages(make_run: MakeRun) -> None:
    calls = make_run("dataproc-serverless", *OUT, *IMAGE, "--runtime", "3.0").calls()
    requests = [dataproc_v1.CreateBatchRequest(call["parameters"]) for call in calls if call["call"] == "create_batch"]
    assert len(requests) == 6
    settings = requests[0].batch.runtime_config.properties
    assert settings["spark.executor.cores"] in ("4", "8", "16")
    megabytes = sum(int(settings[name][:-1]) for name in ("spark.executor.memory", "spark.executor.memoryOverhead"))
    assert 1024 <= megabytes / int(settings["spark.executor.cores"]) <= 7424  # Google's limits


@pytest.mark.parametrize(
    ("service", "arguments", "says"),
    [
        ("dataproc", ["--output", "gs://b/x", "--crawl", "X"], "--project is missing"),
        ("dataproc", ["--output", "s3://b/x", "--crawl", "X", "--project", "p"], "gs://"),
        ("dataproc-serverless", [*OUT], "--image is missing"),
    ],
)
def test_mistakes(make_run: MakeRun, service: str, arguments: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        make_run(service, *arguments)
