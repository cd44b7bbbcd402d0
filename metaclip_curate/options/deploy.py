"""The options of a deployment; one group that all services share, and one a service."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import flag, option

_SETTING_FORM = "NAME=VALUE"


@dataclass(frozen=True)
class DeployOptions:
    """What is sent, whatever the service."""

    package: str = option("dist", "the folder that `make package` wrote")
    stages: tuple[str, ...] = option((), "only these stages, with commas between (default: all)")
    name: str = option("", "the name of the run in the service's lists (default: from the output's)")
    spark_settings: tuple[str, ...] = option((), "NAME=VALUE of further Spark settings, with commas between")
    driver_memory_mb: int = option(12_288, "memory of the driver's JVM, MiB")
    poll_seconds: float = option(30.0, "seconds between two looks at the state")
    dry_run: bool = option(False, "print what would be sent, and send nothing")

    def __post_init__(self) -> None:
        for setting in self.spark_settings:
            if "=" not in setting:
                raise UserError(f"--spark-settings {setting} isn't of the form {_SETTING_FORM}")
        for name in ("driver_memory_mb", "poll_seconds"):
            if getattr(self, name) <= 0:
                raise UserError(f"{flag(name)} must be above 0, not {getattr(self, name)}")


@dataclass(frozen=True)
class EmrOptions:
    """A transient EMR cluster."""

    release: str = option("emr-7.13.0", "EMR's release: emr-7.13.0 has Spark 3.5, emr-spark-8.0.0 Spark 4.0")
    stack: str = option("metaclip-curate", "the CloudFormation stack of deploy/emr/template.yaml")
    region: str = option("us-east-1", "AWS region; Common Crawl lies in us-east-1")
    primary_type: str = option("m6i.xlarge", "machine type of the primary node")
    node_types: tuple[str, ...] = option(
        ("m6i.4xlarge", "m7i.4xlarge", "m6a.4xlarge", "m5.4xlarge", "r6i.4xlarge"),
        "machine types of the other nodes, all of as many cores and at least as much memory as is planned with",
    )
    spot_timeout_minutes: int = option(30, "after so long without spot machines, on-demand ones take their place")


@dataclass(frozen=True)
class EmrServerlessOptions:
    """An EMR Serverless application that lives as long as the run."""

    release: str = option("emr-7.13.0", "EMR's release: emr-7.13.0 has Spark 3.5, emr-spark-8.0.0 Spark 4.0")
    stack: str = option("metaclip-curate-serverless", "the CloudFormation stack of deploy/emr-serverless/template.yaml")
    region: str = option("us-east-1", "AWS region; without a VPC only this region's S3 can be reached")
    image: str = option("", "an image of deploy/docker in ECR, in the place of the archive")
    stage_hours: int = option(72, "a stage that takes longer is ended")


@dataclass(frozen=True)
class GoogleOptions:
    """Google Cloud's project and identity."""

    project: str = option("", "Google Cloud's project")
    region: str = option("us-central1", "Google Cloud's region")
    subnetwork: str = option("metaclip-curate", "a subnetwork of the region, as deploy/dataproc/setup.sh makes")
    service_account: str = option(
        "", "e-mail of the account that the machines have (default: deploy/dataproc/setup.sh's)"
    )

    def __post_init__(self) -> None:
        if not self.project:
            raise UserError("--project is missing: name Google Cloud's project")

    @property
    def account(self) -> str:
        """The machines' service account."""
        return self.service_account or f"metaclip-curate@{self.project}.iam.gserviceaccount.com"


@dataclass(frozen=True)
class DataprocOptions:
    """A transient Dataproc cluster."""

    image: str = option("2.3", "Dataproc's image: 2.3 has Spark 3.5, 3.0 Spark 4.1")
    primary_type: str = option("n2-standard-4", "machine type of the master")
    node_type: str = option("n2-standard-16", "machine type of the workers")
    internal_ip_only: bool = option(
        False, "no public addresses; inputs from outside then need a Cloud NAT, paid by the GB"
    )
    max_hours: int = option(96, "the cluster is deleted after so long, whatever happens")


@dataclass(frozen=True)
class BatchOptions:
    """Google's serverless batches, one a stage."""

    runtime: str = option("2.3", "the runtime: 2.3 has Spark 3.5, 3.0 Spark 4.0")
    image: str = option("", "an image of deploy/docker in Artifact Registry")
    stage_hours: int = option(72, "a stage that takes longer is ended")

    def __post_init__(self) -> None:
        if not self.image:
            raise UserError("--image is missing: push the image dataproc-serverless of deploy/docker and name it")
