"""A transient EMR cluster: one request starts it with all stages as steps, and it ends by itself."""

from __future__ import annotations

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
from metaclip_curate.cluster.clouds.deployment import ENVIRONMENT, PYTHON, Deployment, Job, python_settings
from metaclip_curate.cluster.clouds.monitor import Follower
from metaclip_curate.cluster.plan import PlanOptions
from metaclip_curate.errors import JobFailedError
from metaclip_curate.options.deploy import EmrOptions
from metaclip_curate.run.folder import STAGES
from metaclip_curate.storage import StorageOptions

# EMR's service role may touch only what has this mark (deploy/emr/template.yaml).
MARK = {"for-use-with-amazon-emr-managed-policies": "true"}
_ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
_VOLUMES = 2  # of a node: two disks are faster than one of their size


class EmrRun:
    """Starts a cluster and follows it.

    Args:
        deployment: What runs.
        options: Where.
        size: Cores and how many of them aren't spot machines.
        storage: How to reach the bucket.
        follower: Tells states.
    """

    def __init__(
        self,
        deployment: Deployment,
        options: EmrOptions,
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
        request = run_job_flow(self._deployment, self._options, self._size, Outputs(self._options.stack, None))
        return [
            *self._deployment.calls(),
            {"service": "emr", "call": "run_job_flow", "parameters": request},
        ]

    def run(self) -> None:
        """Uploads, starts and follows; ends the cluster when it is interrupted.

        Raises:
            UserError: The stack, the bucket or the request isn't right.
            JobFailedError: A step failed, or the run was stopped.
        """
        outputs = stack_outputs(self._options.stack, self._options.region)
        check_places(self._deployment.places, outputs)
        send(self._deployment.uploads, self._storage, self._deployment.output, self._follower.tell)
        emr = client("emr", self._options.region)
        request = run_job_flow(self._deployment, self._options, self._size, outputs)
        with aws_errors():
            cluster = emr.run_job_flow(**request)["JobFlowId"]
        logs = f"{outputs['LogUrl']}{cluster}/"
        self._follower.tell(f"cluster {cluster}; its logs come to {logs} some minutes after they are written")
        try:
            with aws_errors():
                self._follow(emr, cluster, logs)
        except BaseException as error:
            # Whatever ends this command ends the cluster: it costs money, and the run goes on where it was.
            with aws_errors():
                emr.terminate_job_flows(JobFlowIds=[cluster])
            if isinstance(error, KeyboardInterrupt):
                raise JobFailedError(f"stopped: cluster {cluster} is being ended; the same command goes on") from error
            raise

    def _follow(self, emr: Any, cluster: str, logs: str) -> None:
        while True:
            status, steps = self._follower.patiently(lambda: _states(emr, cluster), broken_connections())
            reason = status.get("StateChangeReason", {}).get("Message", "")
            self._follower.note(f"cluster {cluster}", status["State"], reason)
            for step in steps:
                self._follower.note(step["Name"], step["Status"]["State"])
            failed = [step for step in steps if step["Status"]["State"] in ("FAILED", "CANCELLED", "INTERRUPTED")]
            if failed and failed[0]["Status"]["State"] == "FAILED":
                raise JobFailedError(_failure(failed[0], logs))
            if all(step["Status"]["State"] == "COMPLETED" for step in steps):
                return
            if status["State"] in _ENDED:
                raise JobFailedError(
                    f"cluster {cluster} ended before its steps ({reason or 'no reason given'}); {logs}"
                )
            self._follower.wait()


def _states(emr: Any, cluster: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The cluster's status, and the steps in the order in which they run."""
    status = emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
    pages = emr.get_paginator("list_steps").paginate(ClusterId=cluster)
    steps = [step for page in pages for step in page["Steps"]]
    # EMR lists the last first, and steps of one request may have one time of creation.
    return status, sorted(steps, key=lambda step: STAGES.index(step["Name"]))


def _failure(step: Mapping[str, Any], logs: str) -> str:
    details = step["Status"].get("FailureDetails", {})
    said = " ".join(details[key] for key in ("Reason", "Message") if details.get(key))
    where = details.get("LogFile") or f"{logs}steps/{step['Id']}/stderr.gz"
    what = f"{step['Name']} failed{': ' if said else ''}{said}"
    return f"{what}; spark-submit's log is {where}, the driver's is in {logs}containers/"


def run_job_flow(
    deployment: Deployment, options: EmrOptions, size: PlanOptions, outputs: Mapping[str, str]
) -> dict[str, Any]:
    """The request that starts the cluster.

    Args:
        deployment: What runs.
        options: Where.
        size: Cores, spot share, disks.
        outputs: What the stack made.

    Returns:
        Parameters of EMR's RunJobFlow.
    """
    return {
        "Name": f"metaclip-curate {deployment.name}",
        "ReleaseLabel": options.release,
        "Applications": [{"Name": "Spark"}],
        "LogUri": outputs["LogUrl"],
        "ServiceRole": outputs["ServiceRole"],
        "JobFlowRole": outputs["NodeProfile"],
        # Encrypted disks, and IMDSv2 only.
        "SecurityConfiguration": outputs["SecurityConfiguration"],
        "VisibleToAllUsers": True,
        "Instances": {
            "Ec2SubnetIds": outputs["SubnetIds"].split(","),
            "EmrManagedMasterSecurityGroup": outputs["PrimaryGroup"],
            "EmrManagedSlaveSecurityGroup": outputs["WorkerGroup"],
            # The cluster ends with its last step, and with the first that fails.
            "KeepJobFlowAliveWhenNoSteps": False,
            "TerminationProtected": False,
            "InstanceFleets": _fleets(deployment, options, size),
        },
        "ScaleDownBehavior": "TERMINATE_AT_TASK_COMPLETION",
        "Configurations": [
            {"Classification": "spark-defaults", "Properties": _settings(deployment, options)},
            # The driver must not stand on a spot machine: core nodes are on demand, and it stays on them.
            {
                "Classification": "yarn-site",
                "Properties": {
                    "yarn.node-labels.enabled": "true",
                    "yarn.node-labels.am.default-node-label-expression": "CORE",
                },
            },
        ],
        "Steps": [_step(deployment, job) for job in deployment.jobs],
        "Tags": [{"Key": key, "Value": value} for key, value in (deployment.labels | MARK).items()],
    }


def _settings(deployment: Deployment, options: EmrOptions) -> dict[str, str]:
    python = python_settings(PYTHON, ["spark.yarn.appMasterEnv."])
    region = {
        f"{prefix}AWS_DEFAULT_REGION": options.region for prefix in ("spark.yarn.appMasterEnv.", "spark.executorEnv.")
    }
    return {**deployment.settings, **python, **region}


def _step(deployment: Deployment, job: Job) -> dict[str, Any]:
    submit = ["spark-submit", "--deploy-mode", "cluster", "--name", f"{deployment.name} {job.stage}"]
    submit += ["--archives", f"{deployment.archive}#{ENVIRONMENT}", job.script, *job.arguments]
    return {
        "Name": job.stage,
        "ActionOnFailure": "TERMINATE_CLUSTER",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": submit},
    }


def _fleets(deployment: Deployment, options: EmrOptions, size: PlanOptions) -> list[dict[str, Any]]:
    """One primary node, on-demand core nodes for the driver and a part of the work, spot task nodes for the rest."""
    plan = deployment.plan
    cores = plan.executor.per_node * plan.executor.cores  # of a node, those with an executor
    core_nodes = max(1, round(plan.nodes * size.on_demand_share))
    fleets: list[dict[str, Any]] = [
        {
            "Name": "primary",
            "InstanceFleetType": "MASTER",
            "TargetOnDemandCapacity": 1,
            "InstanceTypeConfigs": [{"InstanceType": options.primary_type, "WeightedCapacity": 1}],
        },
        {
            "Name": "core",
            "InstanceFleetType": "CORE",
            "TargetOnDemandCapacity": core_nodes * cores,
            "InstanceTypeConfigs": _types(options, size, cores),
            "LaunchSpecifications": {"OnDemandSpecification": {"AllocationStrategy": "lowest-price"}},
        },
    ]
    if plan.nodes > core_nodes:
        fleets.append(
            {
                "Name": "task",
                "InstanceFleetType": "TASK",
                "TargetSpotCapacity": (plan.nodes - core_nodes) * cores,
                "InstanceTypeConfigs": _types(options, size, cores, {"BidPriceAsPercentageOfOnDemandPrice": 100.0}),
                "LaunchSpecifications": {
                    "SpotSpecification": {
                        "TimeoutDurationMinutes": options.spot_timeout_minutes,
                        "TimeoutAction": "SWITCH_TO_ON_DEMAND",
                        # Cheap machines that are about to be taken away cost more than they save.
                        "AllocationStrategy": "price-capacity-optimized",
                    }
                },
            }
        )
    return fleets


def _types(
    options: EmrOptions, size: PlanOptions, cores: int, extra: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    disk = {
        "VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": -(-size.node_disk // _VOLUMES)},
        "VolumesPerInstance": _VOLUMES,
    }
    return [
        {
            "InstanceType": name,
            "WeightedCapacity": cores,
            "EbsConfiguration": {"EbsBlockDeviceConfigs": [disk], "EbsOptimized": True},
            **(extra or {}),
        }
        for name in options.node_types
    ]
