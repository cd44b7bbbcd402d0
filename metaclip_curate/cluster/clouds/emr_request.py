"""The request that starts a transient EMR cluster with all stages as steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaclip_curate.cluster.clouds.deployment import ENVIRONMENT, PYTHON, Deployment, Job, python_settings
from metaclip_curate.options.deploy import EmrOptions
from metaclip_curate.options.plan import PlanOptions

# EMR's service role may only touch resources with this tag (deploy/emr/template.yaml).
_TAG = {"for-use-with-amazon-emr-managed-policies": "true"}
_VOLUMES_PER_NODE = 2  # two disks are faster than one of twice the size


def run_job_flow(
    deployment: Deployment, options: EmrOptions, size: PlanOptions, outputs: Mapping[str, str]
) -> dict[str, Any]:
    """Makes the request that starts the cluster.

    Args:
        deployment: Uploads, jobs and settings.
        options: Options of the service.
        size: Cores, spot share and disks.
        outputs: Outputs of the stack.

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
            # The cluster ends after its last step, or after the first one that fails.
            "KeepJobFlowAliveWhenNoSteps": False,
            "TerminationProtected": False,
            "InstanceFleets": _fleets(deployment, options, size),
        },
        "ScaleDownBehavior": "TERMINATE_AT_TASK_COMPLETION",
        "Configurations": [
            {"Classification": "spark-defaults", "Properties": _settings(deployment, options)},
            # The driver must not be on a spot machine. Core nodes are on demand, and the driver is kept on them.
            {
                "Classification": "yarn-site",
                "Properties": {
                    "yarn.node-labels.enabled": "true",
                    "yarn.node-labels.am.default-node-label-expression": "CORE",
                },
            },
        ],
        "Steps": [_step(deployment, job) for job in deployment.jobs],
        "Tags": [{"Key": key, "Value": value} for key, value in (deployment.labels | _TAG).items()],
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
    """Lists the fleets: one primary node, on-demand core nodes (driver and some work), spot task nodes (the rest)."""
    plan = deployment.plan
    cores = plan.executor.per_node * plan.executor.cores  # of a node, without those that no executor uses
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
                        # The cheapest machines are reclaimed often, which costs more than they save.
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
        "VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": -(-size.node_disk // _VOLUMES_PER_NODE)},
        "VolumesPerInstance": _VOLUMES_PER_NODE,
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
