"""metaclip-curate deploy SERVICE: runs all stages on a cloud's Spark, which is shut down afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from metaclip_curate.commands.command import Command, CommandGroup, Given
from metaclip_curate.commands.output import print_json
from metaclip_curate.commands.stages import STAGE_OPTIONS
from metaclip_curate.options.deploy import (
    BatchOptions,
    DataprocOptions,
    DeployOptions,
    EmrOptions,
    EmrServerlessOptions,
    GoogleOptions,
)
from metaclip_curate.options.plan import PlanOptions
from metaclip_curate.options.stages import STAGE_NAMES

STAGES: dict[str, tuple[str, ...]] = {stage: tuple(STAGE_OPTIONS[stage]) for stage in STAGE_NAMES}
# What the service decides, the plan decides, or another group has.
_LEFT_OUT = {"run": ("master", "driver_memory"), "plan": ("metadata", "dedup_passes", "platform")}


def _run(service: str, given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.cluster.clouds.services import service_run

    run = service_run(service, given, STAGES)
    if given["deploy"].dry_run:
        print_json(run.calls(), ensure_ascii=True)
    else:
        run.run()


def _command(service: str, about: str, own: dict[str, type], example: str) -> Command:
    return Command(
        service,
        f"run all stages on {about}",
        {"deploy": DeployOptions, **own, "plan": PlanOptions, **STAGE_OPTIONS["run"]},
        partial(_run, service),
        examples=(f"--crawl CC-MAIN-2025-30 {example}", f"--crawl CC-MAIN-2025-30:20 {example} --cores 64 --dry-run"),
        leave_out=_LEFT_OUT,
        optional=("input",),  # --crawl can name them
        resumes=True,
    )


_ON_GOOGLE = "--output gs://bucket/run --metadata lists --project my-project"
COMMANDS = CommandGroup(
    "deploy",
    "run all stages on EMR, EMR Serverless, Dataproc or Google's serverless batches",
    (
        _command("emr", "a transient EMR cluster", {"emr": EmrOptions}, "--output s3://bucket/run --metadata lists"),
        _command(
            "emr-serverless",
            "an EMR Serverless application",
            {"emr-serverless": EmrServerlessOptions},
            "--output s3://bucket/run --metadata lists",
        ),
        _command(
            "dataproc",
            "a transient Dataproc cluster",
            {"google": GoogleOptions, "dataproc": DataprocOptions},
            _ON_GOOGLE,
        ),
        _command(
            "dataproc-serverless",
            "Google's serverless batches",
            {"google": GoogleOptions, "batches": BatchOptions},
            f"{_ON_GOOGLE} --image us-docker.pkg.dev/p/r/metaclip-curate:1",
        ),
    ),
    metavar="SERVICE",
    examples=(
        "emr --crawl CC-MAIN-2025-30 --output s3://bucket/run --metadata lists --cores 512",
        f"dataproc --crawl CC-MAIN-2025-30 {_ON_GOOGLE} --dry-run",
    ),
)
