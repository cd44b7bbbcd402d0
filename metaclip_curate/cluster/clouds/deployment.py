"""What is sent to a service, before it has the service's form."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metaclip_curate import storage
from metaclip_curate.cluster.clouds.bundle import Bundle, Upload, folder_uploads
from metaclip_curate.cluster.plan import Plan
from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import to_arguments
from metaclip_curate.options.deploy import DeployOptions
from metaclip_curate.options.fields import flag
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.run.folder import STAGES
from metaclip_curate.storage import StorageOptions

ENVIRONMENT = "environment"  # the archive's name where a container unpacks it
PYTHON = f"./{ENVIRONMENT}/bin/python"
IMAGE_PYTHON = "/opt/metaclip-curate/bin/python"  # deploy/docker/Dockerfile's
PROJECT = "metaclip-curate"
_ATTEMPTS = 20


@dataclass(frozen=True)
class Job:
    """One stage.

    Attributes:
        stage: Its name.
        script: URL of the spark-submit script.
        arguments: The script's.
    """

    stage: str
    script: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Deployment:
    """A run, ready to be given a service's form.

    Attributes:
        name: Small letters, digits and dashes, at most 40, a letter first.
        output: The run folder, without a slash at its end.
        places: What of the options names a place, each with its option: some may be out of the roles' reach.
        uploads: Files that must be in the bucket.
        archive: URL of the environment archive.
        jobs: In order.
        settings: Spark's.
        plan: What the sizes come from.
    """

    name: str
    output: str
    places: tuple[tuple[str, str], ...]
    uploads: tuple[Upload, ...]
    archive: str
    jobs: tuple[Job, ...]
    settings: Mapping[str, str]
    plan: Plan

    @property
    def labels(self) -> dict[str, str]:
        """How machines and jobs are marked. The roles of the templates go by `project`."""
        return {"project": PROJECT, "run": self.name}

    def calls(self) -> list[dict[str, Any]]:
        """The uploads as a dry run shows them."""
        return [{"call": "upload", "parameters": dataclasses.asdict(upload)} for upload in self.uploads]


def deployment(
    options: DeployOptions, plan: Plan, stages: Mapping[str, Sequence[str]], groups: Mapping[str, Any], scheme: str
) -> Deployment:
    """Puts together what is sent.

    Args:
        options: Of the deployment.
        plan: Sizes.
        stages: For each stage the names of the groups of options that its command takes.
        groups: The groups' options; `run`, `storage`, `extract` and `match` among them.
        scheme: Of the service's buckets: s3 or gs.

    Returns:
        The deployment.

    Raises:
        UserError: A path isn't where the service could read it, or the package isn't complete.
    """
    output = groups["run"].output.rstrip("/")
    if not output.startswith(f"{scheme}://"):
        raise UserError(f"--output must be a folder in a bucket, {scheme}://..., not {output or 'empty'}")
    chosen = options.stages or STAGES
    if unknown := set(chosen) - set(STAGES):
        raise UserError(f"--stages knows {', '.join(STAGES)} and not {', '.join(sorted(unknown))}")
    if "extract" in chosen:
        _check_inputs(groups["extract"].input)
    for name, path in (("lid_model", groups["extract"].lid_model), ("language_table", groups["match"].language_table)):
        if path:
            raise UserError(f"{flag(name)} {path} can't be sent to a cluster yet: leave it out")
    root = storage.join(output, "deploy")
    bundle = Bundle.find(options.package)
    package = bundle.uploads(root)
    match, metadata = _match_options(groups["match"], plan, root, needed=bool({"match", "count"} & set(chosen)))
    extract = groups["extract"]
    extract = dataclasses.replace(extract, files_per_round=extract.files_per_round or plan.files_per_round)
    sized = {**groups, "match": match, "extract": extract}
    jobs = [
        Job(
            stage,
            package[stage].url,
            tuple(argument for group in stages[stage] for argument in to_arguments(sized[group])),
        )
        for stage in STAGES
        if stage in chosen
    ]
    needed = [package["archive"], *(package[job.stage] for job in jobs), *metadata]
    return Deployment(
        name=run_name(options.name or output.rpartition("/")[2]),
        output=output,
        places=(
            ("--output", output),
            ("--metadata", match.metadata),
            *(("--input", path.removeprefix("@")) for path in groups["extract"].input),
        ),
        uploads=tuple(needed),
        archive=package["archive"].url,
        jobs=tuple(jobs),
        settings={**bundle.settings, **sizes(plan, options), **dict(s.split("=", 1) for s in options.spark_settings)},
        plan=plan,
    )


def sizes(plan: Plan, options: DeployOptions) -> dict[str, str]:
    """The settings that follow from a plan."""
    executor = plan.executor
    return {
        "spark.executor.cores": str(executor.cores),
        "spark.executor.memory": f"{executor.heap_megabytes}m",
        "spark.executor.memoryOverhead": f"{executor.overhead_megabytes}m",
        "spark.dynamicAllocation.maxExecutors": str(executor.instances),
        "spark.sql.shuffle.partitions": str(plan.shuffle_partitions),
        "spark.driver.cores": "4",
        "spark.driver.memory": f"{options.driver_memory_mb}m",
        # The driver's Python reads every metadata list once, one at a time, as a worker does.
        "spark.driver.memoryOverhead": f"{max(2048, 2 * executor.worker_megabytes)}m",
    }


def python_settings(python: str, driver_prefixes: Sequence[str]) -> dict[str, str]:
    """Which Python runs.

    Args:
        python: Its path in a container.
        driver_prefixes: Of the settings by which the service gives the driver an environment variable.

    Returns:
        Spark settings.
    """
    variables = {
        f"{prefix}{name}": python for prefix in driver_prefixes for name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON")
    }
    return {"spark.pyspark.python": python, "spark.executorEnv.PYSPARK_PYTHON": python, **variables}


def run_name(text: str) -> str:
    """A name that every service takes: small letters, digits and dashes."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = name if name[:1].isalpha() else f"run-{name}"
    return name[:40].rstrip("-")


def _check_inputs(inputs: Sequence[str]) -> None:
    if not inputs:
        raise UserError("--crawl or --input is missing: name a crawl, or inputs in a bucket")
    for path in inputs:
        plain = path.removeprefix("@")
        if storage.is_local(plain) and not plain.startswith(("cc:", "crawl-data/")):
            raise UserError(f"--input {path} is on this machine, where the cluster can't read it: copy it to a bucket")


def _match_options(match: MatchOptions, plan: Plan, root: str, needed: bool) -> tuple[MatchOptions, list[Upload]]:
    uploads: list[Upload] = []
    if needed and not match.metadata:
        raise UserError("--metadata is missing: name the metadata folder, here or in a bucket")
    metadata = match.metadata
    if needed and storage.is_local(metadata):
        metadata, uploads = folder_uploads(metadata, root)
    default = MatchOptions()
    return dataclasses.replace(
        match,
        metadata=metadata,
        dedup_passes=plan.dedup_passes,
        pairs_per_task=plan.pairs_per_task if match.pairs_per_task == default.pairs_per_task else match.pairs_per_task,
    ), uploads


def reachable(options: StorageOptions, region: str = "") -> StorageOptions:
    """How a cluster's machines reach inputs: patiently, and at AWS within S3, unless told otherwise.

    Args:
        options: As given.
        region: AWS's; empty elsewhere.

    Returns:
        The options that the stages get.
    """
    default = StorageOptions()
    # Hundreds of workers meet 503 together, and a file that is given up stays out of the run.
    attempts = _ATTEMPTS if options.max_attempts == default.max_attempts else options.max_attempts
    changed = dataclasses.replace(options, max_attempts=attempts)
    if not region:
        return changed
    base = "s3://commoncrawl" if options.cc_base == default.cc_base else options.cc_base
    return dataclasses.replace(changed, cc_base=base, s3_region=options.s3_region or region)
