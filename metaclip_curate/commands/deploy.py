"""metaclip-curate deploy SERVICE: all stages on a cloud's Spark, which ends with them."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from metaclip_curate import storage
from metaclip_curate.cluster.clouds.deployment import Deployment, cluster_storage, deployment
from metaclip_curate.cluster.clouds.monitor import Monitor
from metaclip_curate.cluster.clouds.service import ServiceRun
from metaclip_curate.cluster.plan import PlanOptions, plan
from metaclip_curate.cluster.rates import load_rates
from metaclip_curate.commands.output import print_json
from metaclip_curate.commands.plan import largest_list
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.deploy import (
    BatchOptions,
    DataprocOptions,
    DeployOptions,
    EmrOptions,
    EmrServerlessOptions,
    GoogleOptions,
)

_ABOUT = "run all stages on EMR, EMR Serverless, Dataproc or Google's serverless batches"
_SERVICES: dict[str, tuple[str, str, dict[str, type]]] = {
    "emr": ("a transient EMR cluster", "s3", {"emr": EmrOptions}),
    "emr-serverless": ("an EMR Serverless application", "s3", {"emr-serverless": EmrServerlessOptions}),
    "dataproc": ("a transient Dataproc cluster", "gs", {"google": GoogleOptions, "dataproc": DataprocOptions}),
    "dataproc-serverless": ("Google's serverless batches", "gs", {"google": GoogleOptions, "batches": BatchOptions}),
}
# What the service decides, the plan decides, or another group has.
_LEFT_OUT = {"run": ("master", "driver_memory"), "plan": ("metadata", "dedup_passes", "platform")}


def add(commands: Any, groups: Mapping[str, type], stages: Mapping[str, Sequence[str]]) -> None:
    """Adds the command to the subparsers of the command line.

    Args:
        commands: The subparsers.
        groups: The groups of options that stages take.
        stages: For each stage the names of its groups.
    """
    deploy = commands.add_parser("deploy", help=_ABOUT, description=_ABOUT[0].upper() + _ABOUT[1:] + ".")
    services = deploy.add_subparsers(required=True, metavar="SERVICE")
    for service, (about, _, own) in _SERVICES.items():
        command = services.add_parser(service, help=about, description=about[0].upper() + about[1:] + ".")
        taken = {"deploy": DeployOptions, **own, "plan": PlanOptions, **groups}
        for group, options in taken.items():
            add_options(command, group, options, leave_out=_LEFT_OUT.get(group, ()))
        command.set_defaults(handler=_run, command="deploy", service=service, taken=taken, stages=stages)


def _run(parsed: argparse.Namespace, command: str) -> None:
    given = given_options(parsed, parsed.taken)
    run = service_run(parsed.service, given, parsed.stages)
    if given["deploy"].dry_run:
        print_json(run.calls(), ensure_ascii=True)
    else:
        run.run()


def service_run(service: str, given: Mapping[str, Any], stages: Mapping[str, Sequence[str]]) -> ServiceRun:
    """Makes a run of all options.

    Args:
        service: One of `_SERVICES`.
        given: The options of all groups.
        stages: For each stage the names of its groups.

    Returns:
        The run.

    Raises:
        UserError: Something in the options isn't right.
    """
    options: DeployOptions = given["deploy"]
    rates = load_rates().with_values(given["plan"].rates)
    disk = given["plan"].node_disk or rates.platforms[service].node_disk_gigabytes
    passes = given["match"].dedup_passes if given["match"].dedup_passes > 1 else 0
    size: PlanOptions = dataclasses.replace(
        given["plan"], metadata=given["match"].metadata, platform=service, node_disk=disk, dedup_passes=passes
    )
    groups = dict(given)
    if size.crawl and not given["extract"].input:
        groups["extract"] = dataclasses.replace(given["extract"], input=(f"cc:{size.crawl}",))
    scheme = _SERVICES[service][1]
    groups["storage"] = cluster_storage(given["storage"], given[service].region if scheme == "s3" else "")
    # A dry run looks at no bucket.
    near = storage.is_local(size.metadata) or not options.dry_run
    entries = largest_list(size.metadata, groups["storage"]) if near else 0
    made = deployment(options, plan(size, rates, entries), stages, groups, scheme)
    return _made(service, made, given, size, groups["storage"])


def _made(
    service: str, made: Deployment, given: Mapping[str, Any], size: PlanOptions, reached: storage.StorageOptions
) -> ServiceRun:
    monitor = Monitor(seconds=given["deploy"].poll_seconds)
    if service == "emr":
        from metaclip_curate.cluster.clouds.emr import EmrRun

        return EmrRun(made, given["emr"], size, reached, monitor)
    if service == "emr-serverless":
        from metaclip_curate.cluster.clouds.emr_serverless import EmrServerlessRun

        return EmrServerlessRun(made, given["emr-serverless"], size, reached, monitor)
    if service == "dataproc":
        from metaclip_curate.cluster.clouds.dataproc import DataprocRun

        return DataprocRun(made, given["google"], given["dataproc"], size, reached, monitor)
    from metaclip_curate.cluster.clouds.dataproc_serverless import DataprocServerlessRun

    return DataprocServerlessRun(made, given["google"], given["batches"], size, reached, monitor)
