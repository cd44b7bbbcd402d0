"""The services that a run can be deployed to, and a run on the one that the user chose."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from metaclip_curate import storage
from metaclip_curate.cluster.clouds.dataproc import DataprocRun
from metaclip_curate.cluster.clouds.dataproc_serverless import DataprocServerlessRun
from metaclip_curate.cluster.clouds.deployment import Deployment, cluster_storage, deployment
from metaclip_curate.cluster.clouds.emr import EmrRun
from metaclip_curate.cluster.clouds.emr_serverless import EmrServerlessRun
from metaclip_curate.cluster.clouds.monitor import Monitor
from metaclip_curate.cluster.clouds.service_run import ServiceRun
from metaclip_curate.cluster.metadata_size import longest_list
from metaclip_curate.cluster.plan import plan
from metaclip_curate.cluster.rates import load_rates
from metaclip_curate.options.deploy import DeployOptions
from metaclip_curate.options.plan import PlanOptions

# The scheme of each service's buckets.
SCHEMES = {"emr": "s3", "emr-serverless": "s3", "dataproc": "gs", "dataproc-serverless": "gs"}


def service_run(service: str, given: Mapping[str, Any], stages: Mapping[str, Sequence[str]]) -> ServiceRun[Any]:
    """Makes a run from all options.

    Args:
        service: Name of the service, a key of `SCHEMES`.
        given: Options by the titles of their groups.
        stages: Titles of the groups that each stage's command takes.

    Raises:
        UserError: A path isn't where the service could read it, or an option is wrong.
    """
    options: DeployOptions = given["deploy"]
    rates = load_rates().with_values(given["plan"].rates)
    disk = given["plan"].node_disk or rates.platforms[service].node_disk_gigabytes
    passes = given["dedup"].dedup_passes if given["dedup"].dedup_passes > 1 else 0
    size: PlanOptions = dataclasses.replace(
        given["plan"], metadata=given["match"].metadata, platform=service, node_disk=disk, dedup_passes=passes
    )
    groups = dict(given)
    if size.crawl and not given["extract"].input:
        groups["extract"] = dataclasses.replace(given["extract"], input=(f"cc:{size.crawl}",))
    scheme = SCHEMES[service]
    groups["storage"] = cluster_storage(given["storage"], given[service].region if scheme == "s3" else "")
    # A dry run reads no bucket.
    readable = storage.is_local(size.metadata) or not options.dry_run
    entries = longest_list(size.metadata, groups["storage"]) if readable else 0
    made = deployment(options, plan(size, rates, entries), stages, groups, scheme)
    return _made(service, made, given, size, groups["storage"])


def _made(
    service: str, made: Deployment, given: Mapping[str, Any], size: PlanOptions, options: storage.StorageOptions
) -> ServiceRun[Any]:
    monitor = Monitor(seconds=given["deploy"].poll_seconds)
    if service == "emr":
        return EmrRun(made, given["emr"], size, options, monitor)
    if service == "emr-serverless":
        return EmrServerlessRun(made, given["emr-serverless"], size, options, monitor)
    if service == "dataproc":
        return DataprocRun(made, given["google"], given["dataproc"], size, options, monitor)
    return DataprocServerlessRun(made, given["google"], given["batches"], size, options, monitor)
