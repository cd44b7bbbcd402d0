"""A run as Dataproc Serverless batches, one per stage, in a container with the project and without Spark."""

from __future__ import annotations

import secrets
from typing import Any

from metaclip_curate.cluster.clouds import gcp
from metaclip_curate.cluster.clouds.bundle import Upload
from metaclip_curate.cluster.clouds.deployment import IMAGE_PYTHON, Deployment, Job, python_settings
from metaclip_curate.cluster.clouds.monitor import interruptible
from metaclip_curate.cluster.clouds.service_run import GoogleRun, call
from metaclip_curate.errors import JobFailedError
from metaclip_curate.options.deploy import BatchOptions, GoogleOptions
from metaclip_curate.options.plan import PlanOptions
from metaclip_curate.storage.urls import bucket_and_key

# The service refuses settings of YARN and of the shuffle.
_REFUSED = ("spark.yarn.", "spark.shuffle.", "spark.decommission.", "spark.storage.decommission.")
_MOST_EXECUTORS, _FEWEST_EXECUTORS = 2000, 2


class DataprocServerlessRun(GoogleRun[BatchOptions]):
    """Runs the stages as batches, one after another."""

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The scripts and metadata; the image already has the content of the archive."""
        return tuple(upload for upload in self.deployment.uploads if upload.url != self.deployment.archive)

    def _requests(self) -> list[dict[str, Any]]:
        return [call("dataproc", "create_batch", self._batch(job, "<random>")) for job in self.deployment.jobs]

    def run(self) -> None:
        """Runs the stages.

        Raises:
            UserError: The library is missing, or the credentials or the bucket are wrong.
            JobFailedError: A stage failed, or the run was stopped.
        """
        batches = gcp.client("BatchController", self._project.region)
        self._upload()
        with gcp.google_errors(), interruptible():
            for job in self.deployment.jobs:
                self._run_stage(batches, job)

    def _run_stage(self, batches: Any, job: Job) -> None:
        request = self._batch(job, secrets.token_hex(4))
        batches.create_batch(request=request)
        name = f"{request['parent']}/batches/{request['batch_id']}"
        found: Any = None

        def poll() -> tuple[str, str]:
            nonlocal found
            found = batches.get_batch(request={"name": name})
            return found.state.name, found.state_message

        try:
            state, detail = self.monitor.wait_until(job.stage, poll, ("SUCCEEDED", "FAILED", "CANCELLED"))
        except BaseException:
            if found is not None:
                batches.cancel_operation(request={"name": found.operation})
            raise
        if state != "SUCCEEDED":
            raise JobFailedError(
                f"{job.stage} {state.lower()}: {detail or 'no reason given'}; its output is "
                f"{found.runtime_info.output_uri}"
            )

    def _batch(self, job: Job, suffix: str) -> dict[str, Any]:
        return create_batch(self.deployment, job, self._project, self._options, self._size, suffix)


def create_batch(
    deployment: Deployment,
    job: Job,
    project: GoogleOptions,
    options: BatchOptions,
    size: PlanOptions,
    suffix: str,
) -> dict[str, Any]:
    """Makes the request that starts a stage.

    Args:
        deployment: Uploads, jobs and settings.
        job: Job of the stage.
        project: Project and identity of Google Cloud.
        options: Options of the service.
        size: Disks.
        suffix: Random suffix of the batch's id.

    Returns:
        The fields of google.cloud.dataproc.v1.CreateBatchRequest.
    """
    executors = min(_MOST_EXECUTORS, max(_FEWEST_EXECUTORS, deployment.plan.executor.instances))
    settings = deployment.settings_without(_REFUSED)
    settings |= python_settings(IMAGE_PYTHON, ["spark.dataproc.driverEnv."])
    settings |= {
        "spark.dynamicAllocation.maxExecutors": str(executors),
        "spark.executor.instances": str(_FEWEST_EXECUTORS),
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
                "service_account": project.account,
                "subnetwork_uri": project.subnetwork,
                "staging_bucket": bucket_and_key(deployment.output)[0],
                "ttl": {"seconds": 3600 * options.stage_hours},
            }
        },
    }
    return {
        "parent": f"projects/{project.project}/locations/{project.region}",
        "batch": batch,
        "batch_id": f"{deployment.name}-{job.stage}-{suffix}",
    }
