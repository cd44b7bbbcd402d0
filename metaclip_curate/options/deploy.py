"""The options of a deployment: a group that all services share, and groups of single services."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_above_zero, option

_SETTING_FORM = "NAME=VALUE"


@dataclass(frozen=True)
class DeployOptions:
    """What is sent to any service."""

    package: str = option("dist", "folder that `make package` wrote", metavar="PATH")
    stages: tuple[str, ...] = option((), "run only these stages (default: all)", metavar="STAGE")
    run_name: str = option(
        "", "name of the run in the service's lists (default: name of the output folder)", metavar="NAME", former="name"
    )
    spark_settings: tuple[str, ...] = option((), "further Spark settings", metavar=_SETTING_FORM)
    driver_memory_mb: int = option(12_288, "memory of the driver's JVM", metavar="MIB")
    poll_seconds: float = option(30.0, "time between two requests for the run's state", metavar="SECONDS")
    dry_run: bool = option(False, "print what would be sent, and send nothing")

    def __post_init__(self) -> None:
        for setting in self.spark_settings:
            if "=" not in setting:
                raise UserError(f"--spark-settings {setting} isn't of the form {_SETTING_FORM}")
        for name in ("driver_memory_mb", "poll_seconds"):
            check_above_zero(name, getattr(self, name))


@dataclass(frozen=True)
class EmrOptions:
    """A transient EMR cluster."""

    release: str = option(
        "emr-7.13.0", "EMR release: emr-7.13.0 has Spark 3.5, emr-spark-8.0.0 Spark 4.0", metavar="VERSION"
    )
    stack: str = option("metaclip-curate", "CloudFormation stack of deploy/emr/template.yaml", metavar="NAME")
    region: str = option("us-east-1", "region of the cloud; Common Crawl is in AWS's us-east-1", metavar="NAME")
    primary_type: str = option("m6i.xlarge", "machine type of the primary node", metavar="TYPE")
    node_types: tuple[str, ...] = option(
        ("m6i.4xlarge", "m7i.4xlarge", "m6a.4xlarge", "m5.4xlarge", "r6i.4xlarge"),
        "machine types of the other nodes, all with as many cores and at least as much memory as the plan assumes",
        metavar="TYPE",
    )
    spot_timeout_minutes: int = option(
        30, "time after which on-demand machines replace missing spot machines", metavar="MINUTES"
    )


@dataclass(frozen=True)
class EmrServerlessOptions:
    """An EMR Serverless application that exists as long as the run."""

    release: str = option(
        "emr-7.13.0", "EMR release: emr-7.13.0 has Spark 3.5, emr-spark-8.0.0 Spark 4.0", metavar="VERSION"
    )
    stack: str = option(
        "metaclip-curate-serverless", "CloudFormation stack of deploy/emr-serverless/template.yaml", metavar="NAME"
    )
    region: str = option(
        "us-east-1", "region of the cloud; without a VPC only this region's S3 can be reached", metavar="NAME"
    )
    image: str = option("", "container image of deploy/docker in ECR, instead of the archive", metavar="IMAGE")
    stage_hours: int = option(72, "time after which a stage is stopped", metavar="HOURS")


@dataclass(frozen=True)
class GoogleOptions:
    """Project and identity in Google Cloud."""

    project: str = option("", "Google Cloud project", metavar="NAME", required=True)
    region: str = option("us-central1", "region of the cloud", metavar="NAME")
    subnetwork: str = option(
        "metaclip-curate", "subnetwork of the region, as deploy/dataproc/setup.sh makes it", metavar="NAME"
    )
    service_account: str = option(
        "",
        "e-mail address of the machines' service account (default: the one that deploy/dataproc/setup.sh makes)",
        metavar="EMAIL",
    )

    def __post_init__(self) -> None:
        if not self.project:
            raise UserError("--project is missing: name Google Cloud's project")

    @property
    def account(self) -> str:
        """E-mail address of the machines' service account."""
        return self.service_account or f"metaclip-curate@{self.project}.iam.gserviceaccount.com"


@dataclass(frozen=True)
class DataprocOptions:
    """A transient Dataproc cluster."""

    image_version: str = option(
        "2.3", "Dataproc image version: 2.3 has Spark 3.5, 3.0 Spark 4.1", metavar="VERSION", former="image"
    )
    primary_type: str = option("n2-standard-4", "machine type of the primary node", metavar="TYPE")
    node_type: str = option("n2-standard-16", "machine type of the workers", metavar="TYPE")
    internal_ip_only: bool = option(
        False, "use no public addresses; inputs from outside then need a Cloud NAT, which is paid by the GB"
    )
    max_hours: int = option(96, "time after which the cluster is deleted in any case", metavar="HOURS")


@dataclass(frozen=True)
class BatchOptions:
    """Google's serverless batches, one for each stage."""

    runtime: str = option("2.3", "runtime version: 2.3 has Spark 3.5, 3.0 Spark 4.0", metavar="VERSION")
    image: str = option("", "container image of deploy/docker in Artifact Registry", metavar="IMAGE", required=True)
    stage_hours: int = option(72, "time after which a stage is stopped", metavar="HOURS")

    def __post_init__(self) -> None:
        if not self.image:
            raise UserError("--image is missing: push the image dataproc-serverless of deploy/docker and name it")
