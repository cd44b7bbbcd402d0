"""A transient Dataproc cluster: made, given one job a stage, and deleted whatever happens."""

from __future__ import annotations

import secrets
from typing import Any

from metaclip_curate.cluster.clouds import gcp
from metaclip_curate.cluster.clouds.bundle import send
from metaclip_curate.cluster.clouds.deployment import ENVIRONMENT, PYTHON, Deployment, Job, python_settings
from metaclip_curate.cluster.clouds.monitor import Follower
from metaclip_curate.cluster.plan import PlanOptions
from metaclip_curate.errors import JobFailedError
from metaclip_curate.options.deploy import DataprocOptions, GoogleOptions
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.urls import bucket_and_key

_LEAST_PRIMARY_WORKERS = 2  # Dataproc's own rule
_IDLE_SECONDS = 1800


class DataprocRun:
    """Makes a cluster, runs the stages on it and deletes it.

    Args:
        deployment: What runs.
        google_options: Whose.
        options: Where.
        size: Cores and how many of them aren't spot machines.
        storage: How to reach the bucket.
        follower: Tells states.
    """

    def __init__(
        self,
        deployment: Deployment,
        google_options: GoogleOptions,
        options: DataprocOptions,
        size: PlanOptions,
        storage: StorageOptions,
        follower: Follower,
    ) -> None:
        self._deployment = deployment
        self._google = google_options
        self._options = options
        self._size = size
        self._storage = storage
        self._follower = follower

    def calls(self) -> list[dict[str, Any]]:
        """All that would be sent."""
        cluster = create_cluster(self._deployment, self._google, self._options, self._size)
        calls = [
            *self._deployment.calls(),
            {"service": "dataproc", "call": "create_cluster", "parameters": cluster},
        ]
        for job in self._deployment.jobs:
            request = submit_job(self._deployment, job, self._google, "<random>")
            calls.append({"service": "dataproc", "call": "submit_job", "parameters": request})
        calls.append({"service": "dataproc", "call": "delete_cluster", "parameters": self._named()})
        return calls

    def run(self) -> None:
        """Uploads, makes the cluster, runs the stages and deletes the cluster.

        Raises:
            UserError: The library, the credentials or the bucket isn't right.
            JobFailedError: The cluster or a stage failed, or the run was stopped.
        """
        region = self._google.region
        clusters, jobs = gcp.client("ClusterController", region), gcp.client("JobController", region)
        send(self._deployment.uploads, self._storage, self._deployment.output, self._follower.tell)
        with gcp.google_errors():
            clusters.create_cluster(request=create_cluster(self._deployment, self._google, self._options, self._size))
            try:
                self._until_running(clusters)
                for job in self._deployment.jobs:
                    self._run_stage(jobs, job)
            except KeyboardInterrupt as error:
                raise JobFailedError("stopped; the same command goes on where it was") from error
            finally:
                clusters.delete_cluster(request=self._named())
                self._follower.tell(f"cluster {cluster_name(self._deployment)}: being deleted")

    def _named(self) -> dict[str, Any]:
        name = cluster_name(self._deployment)
        return {"project_id": self._google.project, "region": self._google.region, "cluster_name": name}

    def _until_running(self, clusters: Any) -> None:
        while True:
            status = clusters.get_cluster(request=self._named()).status
            self._follower.note(f"cluster {cluster_name(self._deployment)}", status.state.name, status.detail)
            if status.state.name == "RUNNING":
                return
            if status.state.name in ("ERROR", "ERROR_DUE_TO_UPDATE", "DELETING"):
                raise JobFailedError(f"the cluster isn't made: {status.detail or status.state.name}")
            self._follower.wait()

    def _run_stage(self, jobs: Any, job: Job) -> None:
        request = submit_job(self._deployment, job, self._google, secrets.token_hex(4))
        jobs.submit_job(request=request)
        named = {
            "project_id": self._google.project,
            "region": self._google.region,
            "job_id": request["job"]["reference"]["job_id"],
        }
        while True:
            found = jobs.get_job(request=named)
            state = found.status.state.name
            self._follower.note(job.stage, state, found.status.details)
            if state == "DONE":
                return
            if state in ("ERROR", "CANCELLED", "ATTEMPT_FAILURE"):
                raise JobFailedError(
                    f"{job.stage} {state.lower()}: {found.status.details or 'no reason given'}; spark-submit's log is "
                    f"{found.driver_output_resource_uri}*, the driver's is in Cloud Logging"
                )
            self._follower.wait()


def cluster_name(deployment: Deployment) -> str:
    """The cluster's name: at most 51 letters, digits and dashes."""
    return f"metaclip-{deployment.name}"


def create_cluster(
    deployment: Deployment, google_options: GoogleOptions, options: DataprocOptions, size: PlanOptions
) -> dict[str, Any]:
    """The request that makes the cluster.

    Args:
        deployment: What runs.
        google_options: Whose.
        options: Where.
        size: Cores, spot share, disks.

    Returns:
        The fields of google.cloud.dataproc.v1.CreateClusterRequest.
    """
    plan, bucket = deployment.plan, bucket_and_key(deployment.output)[0]
    primary = max(_LEAST_PRIMARY_WORKERS, round(plan.nodes * size.on_demand_share))
    disk = {"boot_disk_type": "pd-balanced", "boot_disk_size_gb": size.node_disk}
    config: dict[str, Any] = {
        # Dataproc's own files go where the account may write anyhow, not into a bucket that it makes.
        "config_bucket": bucket,
        "temp_bucket": bucket,
        "gce_cluster_config": {
            "subnetwork_uri": google_options.subnetwork,
            # Inputs come from outside Google: with private addresses a Cloud NAT would be paid for every GB.
            "internal_ip_only": options.internal_ip_only,
            "service_account": google_options.account,
            "service_account_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
            "shielded_instance_config": {
                "enable_secure_boot": True,
                "enable_vtpm": True,
                "enable_integrity_monitoring": True,
            },
        },
        "master_config": {
            "num_instances": 1,
            "machine_type_uri": options.primary_type,
            "disk_config": {"boot_disk_type": "pd-balanced", "boot_disk_size_gb": 100},
        },
        "worker_config": {"num_instances": primary, "machine_type_uri": options.node_type, "disk_config": disk},
        "software_config": {
            "image_version": options.image,
            # The driver must not stand on a spot machine.
            "properties": {"dataproc:am.primary_only": "true"},
        },
        # In case this command can't delete it.
        "lifecycle_config": {
            "idle_delete_ttl": {"seconds": _IDLE_SECONDS},
            "auto_delete_ttl": {"seconds": 3600 * options.max_hours},
        },
    }
    if plan.nodes > primary:
        config["secondary_worker_config"] = {
            "num_instances": plan.nodes - primary,
            "preemptibility": "SPOT",
            "disk_config": disk,
        }
    name = cluster_name(deployment)
    cluster = {
        "project_id": google_options.project,
        "cluster_name": name,
        "labels": deployment.labels,
        "config": config,
    }
    return {"project_id": google_options.project, "region": google_options.region, "cluster": cluster}


def submit_job(deployment: Deployment, job: Job, google_options: GoogleOptions, suffix: str) -> dict[str, Any]:
    """The request that starts a stage.

    Args:
        deployment: What runs.
        job: The stage.
        google_options: Whose.
        suffix: Makes the job's id one of its own; ids are never free again.

    Returns:
        The fields of google.cloud.dataproc.v1.SubmitJobRequest.
    """
    settings = {
        **deployment.settings,
        **python_settings(PYTHON, ["spark.yarn.appMasterEnv."]),
        "spark.submit.deployMode": "cluster",
    }
    submitted = {
        "reference": {"project_id": google_options.project, "job_id": f"{deployment.name}-{job.stage}-{suffix}"},
        "placement": {"cluster_name": cluster_name(deployment)},
        "pyspark_job": {
            "main_python_file_uri": job.script,
            "args": list(job.arguments),
            "archive_uris": [f"{deployment.archive}#{ENVIRONMENT}"],
            "properties": settings,
        },
        "labels": deployment.labels | {"stage": job.stage},
    }
    return {"project_id": google_options.project, "region": google_options.region, "job": submitted}
