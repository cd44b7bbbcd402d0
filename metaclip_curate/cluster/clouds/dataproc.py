"""A run on a transient Dataproc cluster, with one job per stage."""

from __future__ import annotations

import secrets
from typing import Any

from metaclip_curate.cluster.clouds import gcp
from metaclip_curate.cluster.clouds.deployment import ENVIRONMENT, PYTHON, Deployment, Job, python_settings
from metaclip_curate.cluster.clouds.monitor import interruptible
from metaclip_curate.cluster.clouds.service_run import GoogleRun, call
from metaclip_curate.errors import JobFailedError
from metaclip_curate.options.deploy import DataprocOptions, GoogleOptions
from metaclip_curate.options.plan import PlanOptions
from metaclip_curate.storage.urls import bucket_and_key

_FEWEST_PRIMARY_WORKERS = 2  # required by Dataproc
_FAILED_CLUSTER = ("ERROR", "ERROR_DUE_TO_UPDATE", "DELETING")
_FAILED_JOB = ("ERROR", "CANCELLED", "ATTEMPT_FAILURE")
_IDLE_SECONDS = 1800


class DataprocRun(GoogleRun[DataprocOptions]):
    """Creates a cluster, runs the stages on it and deletes it."""

    def _requests(self) -> list[dict[str, Any]]:
        cluster = create_cluster(self.deployment, self._project, self._options, self._size)
        jobs = [submit_job(self.deployment, job, self._project, "<random>") for job in self.deployment.jobs]
        return [
            call("dataproc", "create_cluster", cluster),
            *(call("dataproc", "submit_job", job) for job in jobs),
            call("dataproc", "delete_cluster", self._cluster()),
        ]

    def run(self) -> None:
        """Creates the cluster, runs the stages, and deletes the cluster on every way out.

        Raises:
            UserError: The library is missing, or the credentials or the bucket are wrong.
            JobFailedError: The cluster or a stage failed, or the run was stopped.
        """
        region = self._project.region
        clusters, jobs = gcp.client("ClusterController", region), gcp.client("JobController", region)
        self._upload()
        with gcp.google_errors():
            clusters.create_cluster(request=create_cluster(self.deployment, self._project, self._options, self._size))
            try:
                with interruptible():
                    self._wait_for_cluster(clusters)
                    for job in self.deployment.jobs:
                        self._run_stage(jobs, job)
            finally:
                clusters.delete_cluster(request=self._cluster())
                self.monitor.log(f"cluster {cluster_name(self.deployment)}: being deleted")

    def _cluster(self) -> dict[str, Any]:
        name = cluster_name(self.deployment)
        return {"project_id": self._project.project, "region": self._project.region, "cluster_name": name}

    def _wait_for_cluster(self, clusters: Any) -> None:
        def poll() -> tuple[str, str]:
            status = clusters.get_cluster(request=self._cluster()).status
            return status.state.name, status.detail

        name = f"cluster {cluster_name(self.deployment)}"
        state, detail = self.monitor.wait_until(name, poll, ("RUNNING", *_FAILED_CLUSTER))
        if state != "RUNNING":
            raise JobFailedError(f"the cluster couldn't be created: {detail or state}")

    def _run_stage(self, jobs: Any, job: Job) -> None:
        request = submit_job(self.deployment, job, self._project, secrets.token_hex(4))
        jobs.submit_job(request=request)
        submitted = {
            "project_id": self._project.project,
            "region": self._project.region,
            "job_id": request["job"]["reference"]["job_id"],
        }

        found: Any = None

        def poll() -> tuple[str, str]:
            nonlocal found
            found = jobs.get_job(request=submitted)
            return found.status.state.name, found.status.details

        state, detail = self.monitor.wait_until(job.stage, poll, ("DONE", *_FAILED_JOB))
        if state != "DONE":
            raise JobFailedError(
                f"{job.stage} {state.lower()}: {detail or 'no reason given'}; spark-submit's log is "
                f"{found.driver_output_resource_uri}*, the driver's is in Cloud Logging"
            )


def cluster_name(deployment: Deployment) -> str:
    """Returns the name of the cluster: at most 51 letters, digits and dashes."""
    return f"metaclip-{deployment.name}"


def create_cluster(
    deployment: Deployment, project: GoogleOptions, options: DataprocOptions, size: PlanOptions
) -> dict[str, Any]:
    """Makes the request that creates the cluster.

    Args:
        deployment: Uploads, jobs and settings.
        project: Project and identity of Google Cloud.
        options: Options of the service.
        size: Cores, spot share and disks.

    Returns:
        The fields of google.cloud.dataproc.v1.CreateClusterRequest.
    """
    plan, bucket = deployment.plan, bucket_and_key(deployment.output)[0]
    primary = max(_FEWEST_PRIMARY_WORKERS, round(plan.nodes * size.on_demand_share))
    disk = {"boot_disk_type": "pd-balanced", "boot_disk_size_gb": size.node_disk}
    config: dict[str, Any] = {
        # Dataproc's own files go to the run's bucket, which the account may write, instead of a new one.
        "config_bucket": bucket,
        "temp_bucket": bucket,
        "gce_cluster_config": _machines(project, options),
        "master_config": {
            "num_instances": 1,
            "machine_type_uri": options.primary_type,
            "disk_config": {"boot_disk_type": "pd-balanced", "boot_disk_size_gb": 100},
        },
        "worker_config": {"num_instances": primary, "machine_type_uri": options.node_type, "disk_config": disk},
        "software_config": {
            "image_version": options.image_version,
            # The driver must not be on a spot machine.
            "properties": {"dataproc:am.primary_only": "true"},
        },
        # For the case that this command can't delete the cluster.
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
        "project_id": project.project,
        "cluster_name": name,
        "labels": deployment.labels,
        "config": config,
    }
    return {"project_id": project.project, "region": project.region, "cluster": cluster}


def _machines(project: GoogleOptions, options: DataprocOptions) -> dict[str, Any]:
    return {
        "subnetwork_uri": project.subnetwork,
        # Inputs come from outside of Google. With private addresses, a Cloud NAT would be billed for each GB.
        "internal_ip_only": options.internal_ip_only,
        "service_account": project.account,
        "service_account_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "shielded_instance_config": {
            "enable_secure_boot": True,
            "enable_vtpm": True,
            "enable_integrity_monitoring": True,
        },
    }


def submit_job(deployment: Deployment, job: Job, project: GoogleOptions, suffix: str) -> dict[str, Any]:
    """Makes the request that starts a stage.

    Args:
        deployment: Uploads, jobs and settings.
        job: Job of the stage.
        project: Project and identity of Google Cloud.
        suffix: Random suffix of the job's id, since ids can't be used twice.

    Returns:
        The fields of google.cloud.dataproc.v1.SubmitJobRequest.
    """
    settings = {
        **deployment.settings,
        **python_settings(PYTHON, ["spark.yarn.appMasterEnv."]),
        "spark.submit.deployMode": "cluster",
    }
    submitted = {
        "reference": {"project_id": project.project, "job_id": f"{deployment.name}-{job.stage}-{suffix}"},
        "placement": {"cluster_name": cluster_name(deployment)},
        "pyspark_job": {
            "main_python_file_uri": job.script,
            "args": list(job.arguments),
            "archive_uris": [f"{deployment.archive}#{ENVIRONMENT}"],
            "properties": settings,
        },
        "labels": deployment.labels | {"stage": job.stage},
    }
    return {"project_id": project.project, "region": project.region, "job": submitted}
