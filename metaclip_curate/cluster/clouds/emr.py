"""A run on a transient EMR cluster: one request starts it with all stages as steps, and it ends by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaclip_curate.cluster.clouds.aws import (
    Outputs,
    aws_errors,
    broken_connections,
    checked_outputs,
    client,
)
from metaclip_curate.cluster.clouds.emr_request import run_job_flow
from metaclip_curate.cluster.clouds.service_run import ServiceRun, call
from metaclip_curate.errors import JobFailedError
from metaclip_curate.options.deploy import EmrOptions
from metaclip_curate.run.stages import STAGES

_ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")


class EmrRun(ServiceRun[EmrOptions]):
    """Starts a cluster and follows it."""

    def _requests(self) -> list[dict[str, Any]]:
        outputs = Outputs(self._options.stack, None)
        return [call("emr", "run_job_flow", run_job_flow(self.deployment, self._options, self._size, outputs))]

    def run(self) -> None:
        """Starts the cluster and follows it; the cluster is ended if this command is interrupted or fails.

        Raises:
            UserError: The stack, the bucket or the request is wrong.
            JobFailedError: A step failed, or the run was stopped.
        """
        outputs = checked_outputs(self._options.stack, self._options.region, self.deployment.urls)
        self._upload()
        emr = client("emr", self._options.region)
        request = run_job_flow(self.deployment, self._options, self._size, outputs)
        with aws_errors():
            cluster = emr.run_job_flow(**request)["JobFlowId"]
        logs = f"{outputs['LogUrl']}{cluster}/"
        self.monitor.log(f"cluster {cluster}; its logs appear in {logs} some minutes after they are written")
        try:
            with aws_errors():
                self._follow(emr, cluster, logs)
        except BaseException as error:
            # Whatever ends this command ends the cluster, which costs money. The run can be resumed.
            with aws_errors():
                emr.terminate_job_flows(JobFlowIds=[cluster])
            if isinstance(error, KeyboardInterrupt):
                raise JobFailedError(f"stopped: cluster {cluster} is being ended; the same command goes on") from error
            raise

    def _follow(self, emr: Any, cluster: str, logs: str) -> None:
        while True:
            status, steps = self.monitor.retry(lambda: _states(emr, cluster), broken_connections())
            reason = status.get("StateChangeReason", {}).get("Message", "")
            self.monitor.report(f"cluster {cluster}", status["State"], reason)
            for step in steps:
                self.monitor.report(step["Name"], step["Status"]["State"])
            failed = [step for step in steps if step["Status"]["State"] in ("FAILED", "CANCELLED", "INTERRUPTED")]
            if failed and failed[0]["Status"]["State"] == "FAILED":
                raise JobFailedError(_failure(failed[0], logs))
            if all(step["Status"]["State"] == "COMPLETED" for step in steps):
                return
            if status["State"] in _ENDED:
                raise JobFailedError(
                    f"cluster {cluster} ended before its steps ({reason or 'no reason given'}); {logs}"
                )
            self.monitor.wait()


def _states(emr: Any, cluster: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Requests the status of the cluster, and the steps in the order in which they run."""
    status = emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
    pages = emr.get_paginator("list_steps").paginate(ClusterId=cluster)
    steps = [step for page in pages for step in page["Steps"]]
    # EMR lists the last step first, and the steps of one request may have the same creation time.
    return status, sorted(steps, key=lambda step: STAGES.index(step["Name"]))


def _failure(step: Mapping[str, Any], logs: str) -> str:
    details = step["Status"].get("FailureDetails", {})
    reason = " ".join(details[key] for key in ("Reason", "Message") if details.get(key))
    log_file = details.get("LogFile") or f"{logs}steps/{step['Id']}/stderr.gz"
    failure = f"{step['Name']} failed{': ' if reason else ''}{reason}"
    return f"{failure}; spark-submit's log is {log_file}, the driver's is in {logs}containers/"
