"""A run on EMR Serverless: an application that is created for the run, with one job run per stage."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from metaclip_curate.cluster.clouds.aws import (
    Outputs,
    aws_errors,
    broken_connections,
    checked_outputs,
    client,
)
from metaclip_curate.cluster.clouds.deployment import (
    ENVIRONMENT,
    IMAGE_PYTHON,
    PYTHON,
    Deployment,
    Job,
    python_settings,
)
from metaclip_curate.cluster.clouds.monitor import interruptible
from metaclip_curate.cluster.clouds.service_run import ServiceRun, call
from metaclip_curate.errors import JobFailedError
from metaclip_curate.options.deploy import EmrServerlessOptions
from metaclip_curate.options.plan import PlanOptions

_SERVICE = "emr-serverless"
_ENDED = ("SUCCESS", "FAILED", "CANCELLED")
_IDLE_MINUTES = 15
# Prefixes of settings that the service has no use for or refuses.
_REFUSED = ("spark.yarn.", "spark.shuffle.service.")


class EmrServerlessRun(ServiceRun[EmrServerlessOptions]):
    """Creates an application, runs the stages in it and deletes it."""

    def _requests(self) -> list[dict[str, Any]]:
        outputs = Outputs(self._options.stack, None)
        requests = [
            call(_SERVICE, "create_application", create_application(self.deployment, self._options, self._size))
        ]
        for job in self.deployment.jobs:
            request = start_job_run(self.deployment, job, self._options, self._size, outputs)
            request["applicationId"] = "<the application's id>"
            requests.append(call(_SERVICE, "start_job_run", request))
        return requests

    def run(self) -> None:
        """Creates the application, runs the stages, and deletes the application on every way out.

        Raises:
            UserError: The stack, the bucket or a request is wrong.
            JobFailedError: A stage failed, or the run was stopped.
        """
        outputs = checked_outputs(self._options.stack, self._options.region, self.deployment.urls)
        self._upload()
        service = client(_SERVICE, self._options.region)
        request = create_application(self.deployment, self._options, self._size)
        with aws_errors():
            application = service.create_application(**request)["applicationId"]
        self.monitor.log(f"application {application}; its logs appear in {outputs['LogUrl']}")
        try:
            with interruptible(), aws_errors():
                self._wait_for(service, application, ("CREATED", "STARTED"))
                for job in self.deployment.jobs:
                    self._run_stage(service, application, job, outputs)
        finally:
            with aws_errors():
                self._delete(service, application)

    def _run_stage(self, service: Any, application: str, job: Job, outputs: Mapping[str, str]) -> None:
        request = start_job_run(self.deployment, job, self._options, self._size, outputs)
        run = service.start_job_run(applicationId=application, **request)["jobRunId"]

        def poll() -> tuple[str, str]:
            found = self.monitor.retry(
                lambda: service.get_job_run(applicationId=application, jobRunId=run)["jobRun"], broken_connections()
            )
            return found["state"], found.get("stateDetails") or ""

        try:
            state, detail = self.monitor.wait_until(job.stage, poll, _ENDED)
        except BaseException:
            service.cancel_job_run(applicationId=application, jobRunId=run)
            raise
        if state != "SUCCESS":
            logs = f"{outputs['LogUrl']}applications/{application}/jobs/{run}/SPARK_DRIVER/"
            raise JobFailedError(
                f"{job.stage} {state.lower()}: {detail or 'no reason given'}; the driver's logs are {logs}"
            )

    def _delete(self, service: Any, application: str) -> None:
        service.stop_application(applicationId=application)
        self._wait_for(service, application, ("CREATED", "STOPPED"))
        service.delete_application(applicationId=application)
        self.monitor.log(f"application {application}: deleted")

    def _wait_for(self, service: Any, application: str, states: tuple[str, ...]) -> None:
        def poll() -> tuple[str, str]:
            return service.get_application(applicationId=application)["application"]["state"], ""

        self.monitor.wait_until(f"application {application}", poll, states)


def create_application(deployment: Deployment, options: EmrServerlessOptions, size: PlanOptions) -> dict[str, Any]:
    """Makes the request that creates the application.

    Args:
        deployment: Uploads, jobs and settings.
        options: Options of the service.
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
        # A limit, so that the application can't cost more than planned.
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
    """Makes the request that starts a stage.

    Args:
        deployment: Uploads, jobs and settings.
        job: Job of the stage.
        options: Options of the service.
        size: Disks.
        outputs: Outputs of the stack.

    Returns:
        Parameters of EMR Serverless's StartJobRun without the application's id.
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
                # Logs stay in the bucket; AWS's own free copy, kept for 30 days, is turned off.
                "managedPersistenceMonitoringConfiguration": {"enabled": False},
            }
        },
        "executionTimeoutMinutes": 60 * options.stage_hours,
        "tags": deployment.labels,
    }


def _settings(deployment: Deployment, options: EmrServerlessOptions, size: PlanOptions) -> dict[str, str]:
    python = IMAGE_PYTHON if options.image else PYTHON
    settings = deployment.settings_without(_REFUSED)
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
