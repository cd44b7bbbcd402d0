"""A deployment: uploads, jobs and Spark settings of a run, before they become the requests of a service."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from metaclip_curate import storage
from metaclip_curate.cluster.clouds.bundle import Bundle, Upload, folder_uploads
from metaclip_curate.cluster.plan import Plan
from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import to_arguments
from metaclip_curate.options.dedup import DedupOptions
from metaclip_curate.options.deploy import DeployOptions
from metaclip_curate.options.fields import flag
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.recipe import RecipeOptions
from metaclip_curate.run.stages import STAGES
from metaclip_curate.storage import StorageOptions

ENVIRONMENT = "environment"  # folder in a container to which the archive is unpacked
PYTHON = f"./{ENVIRONMENT}/bin/python"
IMAGE_PYTHON = "/opt/metaclip-curate/bin/python"  # as in deploy/docker/Dockerfile
PROJECT = "metaclip-curate"
_ATTEMPTS = 20


@dataclass(frozen=True)
class Job:
    """The job of one stage.

    Attributes:
        stage: Name of the stage.
        script: URL of the spark-submit script.
        arguments: Arguments of the script.
    """

    stage: str
    script: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Deployment:
    """A run that can be sent to any service.

    Attributes:
        name: Name of the run: a lower-case letter, then up to 39 lower-case letters, digits and dashes.
        output: The run folder, without a trailing slash.
        urls: Options that give a path or URL, with its value, since a service's roles may not reach all of them.
        uploads: Files that the bucket must have.
        archive: URL of the archive with the Python environment.
        jobs: Jobs in order.
        settings: Spark settings.
        plan: The plan from which sizes are taken.
    """

    name: str
    output: str
    urls: tuple[tuple[str, str], ...]
    uploads: tuple[Upload, ...]
    archive: str
    jobs: tuple[Job, ...]
    settings: Mapping[str, str]
    plan: Plan

    @property
    def labels(self) -> dict[str, str]:
        """Labels of machines and jobs. The roles of the templates check `project`."""
        return {"project": PROJECT, "run": self.name}

    def settings_without(self, prefixes: tuple[str, ...]) -> dict[str, str]:
        """Returns the Spark settings except those whose names begin with a prefix that the service refuses."""
        return {name: value for name, value in self.settings.items() if not name.startswith(prefixes)}


def deployment(
    options: DeployOptions, plan: Plan, stages: Mapping[str, Sequence[str]], groups: Mapping[str, Any], scheme: str
) -> Deployment:
    """Makes a deployment from options.

    Args:
        options: Options of the deployment.
        plan: Plan with sizes.
        stages: For each stage, the names of the groups of options that its command takes.
        groups: Options by group; `run`, `storage`, `recipe`, `extract`, `dedup` and `match` must be among them.
        scheme: Scheme of the service's buckets: s3 or gs.

    Raises:
        UserError: The service can't read a path, or the package isn't complete.
    """
    chosen = options.stages or STAGES
    output = _checked_output(groups, chosen, scheme)
    root = storage.join(output, "deploy")
    bundle = Bundle.find(options.package)
    package = bundle.uploads(root)
    match, metadata = _match_options(groups["match"], root, required=bool({"match", "count"} & set(chosen)))
    extract = groups["extract"]
    sized = {
        **groups,
        "dedup": _dedup_options(groups["dedup"], plan),
        "match": match,
        "extract": dataclasses.replace(extract, files_per_round=extract.files_per_round or plan.files_per_round),
    }
    recipe: RecipeOptions = groups["recipe"]
    arguments = {
        # A job applies the recipe once more, so what took precedence over it is sent even if it is a default.
        group: to_arguments(of_group, recipe.overridden.get(group, ()))
        for group, of_group in sized.items()
        if group in {each for of_stage in stages.values() for each in of_stage}
    }
    jobs = [
        Job(stage, package[stage].url, tuple(chain.from_iterable(arguments[group] for group in stages[stage])))
        for stage in STAGES
        if stage in chosen
    ]
    return Deployment(
        name=run_name(options.run_name or output.rpartition("/")[2]),
        output=output,
        urls=(
            ("--output", output),
            ("--metadata", match.metadata),
            *(("--input", path.removeprefix("@")) for path in extract.input),
        ),
        uploads=(package["archive"], *(package[job.stage] for job in jobs), *metadata),
        archive=package["archive"].url,
        jobs=tuple(jobs),
        settings={**bundle.settings, **sizes(plan, options), **dict(s.split("=", 1) for s in options.spark_settings)},
        plan=plan,
    )


def sizes(plan: Plan, options: DeployOptions) -> dict[str, str]:
    """Returns the Spark settings that follow from a plan."""
    executor = plan.executor
    return {
        "spark.executor.cores": str(executor.cores),
        "spark.executor.memory": f"{executor.heap_megabytes}m",
        "spark.executor.memoryOverhead": f"{executor.overhead_megabytes}m",
        "spark.dynamicAllocation.maxExecutors": str(executor.instances),
        "spark.sql.shuffle.partitions": str(plan.shuffle_partitions),
        "spark.driver.cores": "4",
        "spark.driver.memory": f"{options.driver_memory_mb}m",
        # The driver's Python reads each metadata list once, one at a time, as workers do.
        "spark.driver.memoryOverhead": f"{max(2048, 2 * executor.worker_megabytes)}m",
    }


def python_settings(python: str, driver_prefixes: Sequence[str]) -> dict[str, str]:
    """Returns the Spark settings that select a Python.

    Args:
        python: Path of the Python in a container.
        driver_prefixes: Prefixes of the settings that set environment variables of the driver on the service.
    """
    variables = {
        f"{prefix}{name}": python for prefix in driver_prefixes for name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON")
    }
    return {"spark.pyspark.python": python, "spark.executorEnv.PYSPARK_PYTHON": python, **variables}


def run_name(text: str) -> str:
    """Makes a name that every service accepts, of lower-case letters, digits and dashes."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = name if name[:1].isalpha() else f"run-{name}"
    return name[:40].rstrip("-")


def _checked_output(groups: Mapping[str, Any], stages: Sequence[str], scheme: str) -> str:
    """Checks the options that have to suit a cluster, and returns the run folder without a trailing slash."""
    output: str = groups["run"].output.rstrip("/")
    if not output.startswith(f"{scheme}://"):
        raise UserError(f"--output must be a folder in a bucket, {scheme}://..., not {output or 'empty'}")
    if unknown := set(stages) - set(STAGES):
        raise UserError(f"--stages knows {', '.join(STAGES)} and not {', '.join(sorted(unknown))}")
    if "extract" in stages:
        _check_inputs(groups["extract"].input)
    for name, path in (("lid_model", groups["dedup"].lid_model), ("language_table", groups["match"].language_table)):
        if path:
            raise UserError(f"{flag(name)} {path} can't be sent to a cluster yet: leave it out")
    return output


def _check_inputs(inputs: Sequence[str]) -> None:
    if not inputs:
        raise UserError("--crawl or --input is missing: name a crawl, or inputs in a bucket")
    for path in inputs:
        plain = path.removeprefix("@")
        if storage.is_local(plain) and not plain.startswith(("cc:", "cc-index:", "crawl-data/")):
            raise UserError(f"--input {path} is on this machine, where the cluster can't read it: copy it to a bucket")


def _dedup_options(dedup: DedupOptions, plan: Plan) -> DedupOptions:
    default = DedupOptions()
    pairs = plan.pairs_per_task if dedup.pairs_per_task == default.pairs_per_task else dedup.pairs_per_task
    return dataclasses.replace(dedup, dedup_passes=plan.dedup_passes, pairs_per_task=pairs)


def _match_options(match: MatchOptions, root: str, required: bool) -> tuple[MatchOptions, list[Upload]]:
    uploads: list[Upload] = []
    if required and not match.metadata:
        raise UserError("--metadata is missing: name the metadata folder, here or in a bucket")
    metadata = match.metadata
    if required and storage.is_local(metadata):
        metadata, uploads = folder_uploads(metadata, root)
    return dataclasses.replace(match, metadata=metadata), uploads


def cluster_storage(options: StorageOptions, region: str = "") -> StorageOptions:
    """Adapts options for reading inputs to a cluster: more attempts and, on AWS, Common Crawl from S3.

    Args:
        options: Options of the user, which take precedence.
        region: AWS region; empty on other clouds.

    Returns:
        The options for the stages.
    """
    default = StorageOptions()
    # Hundreds of workers get 503 at the same time, and a file that is given up is missing from the run.
    attempts = _ATTEMPTS if options.max_attempts == default.max_attempts else options.max_attempts
    changed = dataclasses.replace(options, max_attempts=attempts)
    if not region:
        return changed
    base = "s3://commoncrawl" if options.cc_base == default.cc_base else options.cc_base
    return dataclasses.replace(changed, cc_base=base, s3_region=options.s3_region or region)
