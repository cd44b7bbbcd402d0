"""An EMR Serverless application: made for the run, one job run a stage, and deleted at its end."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from metaclip_curate.cluster.clouds.aws import (
    Outputs,
    aws_errors,
    broken_connections,
    check_places,
    client,
    stack_outputs,
)
from metaclip_curate.cluster.clouds.bundle import send
from metaclip_curate.cluster.clouds.deployment import (
    ENVIRONMENT,
    IMAGE_PYTHON,
    PYTHON,
    Deployment,
    Job,
    python_settings,
)
from metaclip_curate.cluster.clouds.monitor import Follower
from metaclip_curate.cluster.plan import PlanOptions
from metaclip_curate.errors import JobFailedError
from metaclip_curate.options.deploy import EmrServerlessOptions
from metaclip_curate.storage import StorageOptions

_ENDED = ("SUCCESS", "FAILED", "CANCELLED")
_IDLE_MINUTES = 15
# The service's executors have it themselves, or don't let it be set.
_NOT_TAKEN = ("spark.yarn.", "spark.shuffle.service.")


class EmrServerlessRun:
    """Makes an application, runs the stages in it and removes it.

    Args:
        deployment: What runs.
        options: Where.
        size: Cores and disks.
        storage: How to reach the bucket.
        follower: Tells states.
    """

    def __init__(
        self,
        deployment: Deployment,
        options: EmrServerlessOptions,
        size: PlanOptions,
        storage: StorageOptions,
        follower: Follower,
    ) -> None:
        self._deployment = deployment
        self._options = options
        self._size = size
        self._storage = storage
        self._follower = follower

    def calls(self) -> list[dict[str, Any]]:
        """All that would be sent."""
        outputs, service = Outputs(self._options.stack, None), "emr-serverless"
        application = create_application(self._deployment, self._options, self._size)
        calls = [
            *self._deployment.calls(),
            {"service": service, "call": "create_application", "parameters": application},
        ]
        for job in self._deployment.jobs:
            request = start_job_run(self._deployment, job, self._options, self._size, outputs)
            request["applicationId"] = "<the application's id>"
            calls.append({"service": service, "call": "start_job_run", "parameters": request})
        return calls

    def run(self) -> None:
        """Uploads, makes the application, runs the stages and removes the application, whatever happens.

        Raises:
            UserError: The stack, the bucket or a request isn't right.
            JobFailedError: A stage failed, or the run was stopped.
        """
        outputs = stack_outputs(self._options.stack, self._options.region)
        check_places(self._deployment.places, outputs)
        send(self._deployment.uploads, self._storage, self._deployment.output, self._follower.tell)
        service = client("emr-serverless", self._options.region)
        request = create_application(self._deployment, self._options, self._size)
        with aws_errors():
            application = service.create_application(**request)["applicationId"]
        self._follower.tell(f"application {application}; logs come to {outputs['LogUrl']}")
        try:
            with aws_errors():
                self._until(service, application, ("CREATED", "STARTED"))
                for job in self._deployment.jobs:
                    self._run_stage(service, application, job, outputs)
        except KeyboardInterrupt as error:
            raise JobFailedError("stopped; the same command goes on where it was") from error
        finally:
            with aws_errors():
                self._remove(service, application)

    def _run_stage(self, service: Any, application: str, job: Job, outputs: Mapping[str, str]) -> None:
        request = start_job_run(self._deployment, job, self._options, self._size, outputs)
        run = service.start_job_run(applicationId=application, **request)["jobRunId"]
        try:
            while True:
                found = self._follower.patiently(
                    lambda: service.get_job_run(applicationId=application, jobRunId=run)["jobRun"], broken_connections()
                )
                state, detail = found["state"], found.get("stateDetails") or ""
                self._follower.note(job.stage, state, detail)
                if state in _ENDED:
                    break
                self._follower.wait()
        except BaseException:
            service.cancel_job_run(applicationId=application, jobRunId=run)
            raise
        if state != "SUCCESS":
            logs = f"{outputs['LogUrl']}applications/{application}/jobs/{run}/SPARK_DRIVER/"
            raise JobFailedError(
                f"{job.stage} {state.lower()}: {detail or 'no reason given'}; the driver's logs are {logs}"
            )

    def _remove(self, service: Any, application: str) -> None:
        service.stop_application(applicationId=application)
        self._until(service, application, ("CREATED", "STOPPED"))
        service.delete_application(applicationId=application)
        self._follower.tell(f"application {application}: deleted")

    def _until(self, service: Any, application: str, states: tuple[str, ...]) -> None:
        while True:
            state = service.get_application(applicationId=application)["application"]["state"]
            self._follower.note(f"application {application}", state)
            if state in states:
                return
            self._follower.wait()


def create_application(deployment: Deployment, options: EmrServerlessOptions, size: PlanOptions) -> dict[str, Any]:
    """The request that makes the application.

    Args:
        deployment: What runs.
        options: Where.
        size: Cores and disks.

    Returns:
        Parameters of EMR Serverless's CreateApplication.
    """
    executor = deployment.plan.executor
    memory = executor.heap_megabytes + executor.overhead_megabytes
    driver_cores, driver_gigabytes = 4, 30
    request: dict[str, Any] = {
        "name": f"metaclip-curate-{deployment.name}",
        "releaseLabel": options.release,
        "type": "SPARK",
        "architecture": "X86_64",
        # The most that it may take at once: what can't be exceeded can't cost more.
        "maximumCapacity": {
            "cpu": f"{executor.instances * executor.cores + driver_cores} vCPU",
            "memory": f"{-(-executor.instances * memory // 1024) + driver_gigabytes} GB",
            "disk": f"{(executor.instances + 1) * size.node_disk} GB",
        },
        "autoStartConfiguration": {"enabled": True},
        "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": _IDLE_MINUTES},
        "tags": deployment.labels,
    }
    if options.image:
        request["imageConfiguration"] = {"imageUri": options.image}
    return request


def start_job_run(
    deployment: Deployment,
    job: Job,
    options: EmrServerlessOptions,
    size: PlanOptions,
    outputs: Mapping[str, str],
) -> dict[str, Any]:
    """The request that starts a stage.

    Args:
        deployment: What runs.
        job: The stage.
        options: Where.
        size: Disks.
        outputs: What the stack made.

    Returns:
        Parameters of EMR Serverless's StartJobRun but the application's id.
    """
    settings = _settings(deployment, options, size)
    return {
        "executionRoleArn": outputs["ExecutionRole"],
        "name": f"{deployment.name}-{job.stage}",
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": job.script,
                "entryPointArguments": list(job.arguments),
                "sparkSubmitParameters": shlex.join(
                    part for name, value in settings.items() for part in ("--conf", f"{name}={value}")
                ),
            }
        },
        "configurationOverrides": {
            "monitoringConfiguration": {
                "s3MonitoringConfiguration": {"logUri": outputs["LogUrl"]},
                # AWS's own copy of the logs, free and for 30 days, isn't made: logs stay in the bucket.
                "managedPersistenceMonitoringConfiguration": {"enabled": False},
            }
        },
        "executionTimeoutMinutes": 60 * options.stage_hours,
        "tags": deployment.labels,
    }


def _settings(deployment: Deployment, options: EmrServerlessOptions, size: PlanOptions) -> dict[str, str]:
    python = IMAGE_PYTHON if options.image else PYTHON
    settings = {name: value for name, value in deployment.settings.items() if not name.startswith(_NOT_TAKEN)}
    settings |= python_settings(python, ["spark.emr-serverless.driverEnv."])
    if not options.image:
        settings["spark.archives"] = f"{deployment.archive}#{ENVIRONMENT}"
    return settings | {
        "spark.executor.instances": str(min(deployment.plan.executor.instances, 10)),
        "spark.emr-serverless.executor.disk": f"{size.node_disk}G",
        "spark.emr-serverless.executor.disk.type": "shuffle_optimized",
        "spark.emr-serverless.driverEnv.AWS_DEFAULT_REGION": options.region,
        "spark.executorEnv.AWS_DEFAULT_REGION": options.region,
    }
