"""Google's serverless batches: one a stage, in a container that has the project and no Spark."""

from __future__ import annotations

import secrets
from typing import Any

from metaclip_curate.cluster.clouds import gcp
from metaclip_curate.cluster.clouds.bundle import send
from metaclip_curate.cluster.clouds.deployment import IMAGE_PYTHON, Deployment, Job, python_settings
from metaclip_curate.cluster.clouds.monitor import Follower
from metaclip_curate.cluster.plan import PlanOptions
from metaclip_curate.errors import JobFailedError
from metaclip_curate.options.deploy import BatchOptions, GoogleOptions
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.urls import bucket_and_key

# The service refuses applications that set how YARN or the shuffle works.
_NOT_TAKEN = ("spark.yarn.", "spark.shuffle.", "spark.decommission.", "spark.storage.decommission.")
_MOST_EXECUTORS, _LEAST_EXECUTORS = 2000, 2


class BatchRun:
    """Runs the stages as batches, one after another.

    Args:
        deployment: What runs.
        google_options: Whose.
        options: Where.
        size: Disks.
        storage: How to reach the bucket.
        follower: Tells states.
    """

    def __init__(
        self,
        deployment: Deployment,
        google_options: GoogleOptions,
        options: BatchOptions,
        size: PlanOptions,
        storage: StorageOptions,
        follower: Follower,
    ) -> None:
        # Scripts are sent, the archive isn't: the image has what is in it.
        self._deployment = deployment
        self._uploads = [upload for upload in deployment.uploads if upload.url != deployment.archive]
        self._google = google_options
        self._options = options
        self._size = size
        self._storage = storage
        self._follower = follower

    def calls(self) -> list[dict[str, Any]]:
        """All that would be sent."""
        calls = [call for call in self._deployment.calls() if call["parameters"]["url"] != self._deployment.archive]
        for job in self._deployment.jobs:
            request = create_batch(self._deployment, job, self._google, self._options, self._size, "<random>")
            calls.append({"service": "dataproc", "call": "create_batch", "parameters": request})
        return calls

    def run(self) -> None:
        """Uploads and runs the stages.

        Raises:
            UserError: The library, the credentials or the bucket isn't right.
            JobFailedError: A stage failed, or the run was stopped.
        """
        batches = gcp.client("BatchController", self._google.region)
        send(self._uploads, self._storage, self._deployment.output, self._follower.tell)
        with gcp.google_errors():
            try:
                for job in self._deployment.jobs:
                    self._run_stage(batches, job)
            except KeyboardInterrupt as error:
                raise JobFailedError("stopped; the same command goes on where it was") from error

    def _run_stage(self, batches: Any, job: Job) -> None:
        request = create_batch(self._deployment, job, self._google, self._options, self._size, secrets.token_hex(4))
        batches.create_batch(request=request)
        name, found = f"{request['parent']}/batches/{request['batch_id']}", None
        try:
            while True:
                found = batches.get_batch(request={"name": name})
                state = found.state.name
                self._follower.note(job.stage, state, found.state_message)
                if state in ("SUCCEEDED", "FAILED", "CANCELLED"):
                    break
                self._follower.wait()
        except BaseException:
            if found is not None:
                batches.cancel_operation(request={"name": found.operation})
            raise
        if state != "SUCCEEDED":
            logs = found.runtime_info.output_uri
            raise JobFailedError(
                f"{job.stage} {state.lower()}: {found.state_message or 'no reason given'}; its output is {logs}"
            )


def create_batch(
    deployment: Deployment,
    job: Job,
    google_options: GoogleOptions,
    options: BatchOptions,
    size: PlanOptions,
    suffix: str,
) -> dict[str, Any]:
    """The request that starts a stage.

    Args:
        deployment: What runs.
        job: The stage.
        google_options: Whose.
        options: Where.
        size: Disks.
        suffix: Makes the batch's id one of its own.

    Returns:
        The fields of google.cloud.dataproc.v1.CreateBatchRequest.
    """
    executors = min(_MOST_EXECUTORS, max(_LEAST_EXECUTORS, deployment.plan.executor.instances))
    settings = {name: value for name, value in deployment.settings.items() if not name.startswith(_NOT_TAKEN)}
    settings |= python_settings(IMAGE_PYTHON, ["spark.dataproc.driverEnv."])
    settings |= {
        "spark.dynamicAllocation.maxExecutors": str(executors),
        "spark.executor.instances": str(_LEAST_EXECUTORS),
        "spark.dataproc.executor.disk.size": f"{size.node_disk}g",
    }
    batch = {
        "pyspark_batch": {"main_python_file_uri": job.script, "args": list(job.arguments)},
        "labels": deployment.labels | {"stage": job.stage},
        "runtime_config": {
            "version": options.runtime,
            "container_image": options.image,
            "properties": settings,
        },
        "environment_config": {
            "execution_config": {
                "service_account": google_options.account,
                "subnetwork_uri": google_options.subnetwork,
                "staging_bucket": bucket_and_key(deployment.output)[0],
                "ttl": {"seconds": 3600 * options.stage_hours},
            }
        },
    }
    return {
        "parent": f"projects/{google_options.project}/locations/{google_options.region}",
        "batch": batch,
        "batch_id": f"{deployment.name}-{job.stage}-{suffix}",
    }
