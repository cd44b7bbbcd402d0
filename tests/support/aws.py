"""moto's AWS with a stack of a template that ships, and services whose states a test moves on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.session import Session
from botocore.validate import ParamValidator
from moto import mock_aws

from metaclip_curate.cluster.clouds.monitor import Monitor
from metaclip_curate.storage import s3_client
from tests.conftest import ROOT

REGION, ACCOUNT, BUCKET = "us-east-1", "123456789012", "curation"
_IAM_PREFIXES = {"emr": "elasticmapreduce"}
# Operations whose right has another name.
_IAM_ACTIONS = {
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}
OUT = ("--output", f"s3://{BUCKET}/metaclip-curate/run-1")


# The output and the input of the runs that are deployed.
CRAWL = (*OUT, "--crawl", "CC-MAIN-2025-30")


@contextmanager
def stack(folder: str, name: str) -> Iterator[dict[str, str]]:
    """An account in which a template has been applied.

    Yields:
        The stack's outputs.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from _stack(monkeypatch, folder, name)


def empty_bucket() -> None:
    """Forgets what was uploaded."""
    bucket = boto3.resource("s3", REGION).Bucket(BUCKET)
    bucket.objects.delete()


def _stack(monkeypatch: pytest.MonkeyPatch, folder: str, name: str) -> Iterator[dict[str, str]]:
    for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws(), warnings.catch_warnings():
        # moto's CloudFormation leaves it out; tests/deploy/test_templates.py looks at it.
        warnings.filterwarnings("ignore", message=".*AWS::S3::BucketPolicy")
        s3_client.forget_clients()
        cloudformation = boto3.client("cloudformation", REGION)
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=(ROOT / "deploy" / folder / "template.yaml").read_text(),
            Parameters=[{"ParameterKey": "DataBucketName", "ParameterValue": BUCKET}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        made = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        yield {item["OutputKey"]: item["OutputValue"] for item in made["Outputs"]}
    s3_client.forget_clients()


@dataclass
class Script:
    """Changes of state between requests, and the lines that were logged.

    Attributes:
        moves: Functions of which each wait calls one; the run must end before they are used up.
        lines: The logged lines.
    """

    moves: list[Callable[[], Any]]
    lines: list[str] = field(default_factory=list)

    def monitor(self) -> Monitor:
        """Makes a monitor that logs to `lines` and calls the next move instead of waiting."""
        moves = iter(self.moves)
        return Monitor(self.lines.append, lambda seconds: next(moves)())


def errors_of(service: str, operation: str, request: dict[str, Any]) -> str:
    """What botocore, by AWS's model of the service, finds wrong with a request; empty for nothing."""
    shape: Any = Session().get_service_model(service).operation_model(operation).input_shape
    return str(ParamValidator().validate(request, shape).generate_report())


def record_actions(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The rights that all further requests ask for, as IAM names them; filled while they are made."""
    asked: set[str] = set()
    send = BaseClient._make_api_call  # type: ignore[attr-defined]

    def noted(self: Any, operation: str, parameters: Any) -> Any:
        prefix = _IAM_PREFIXES.get(self.meta.service_model.service_name, self.meta.service_model.service_name)
        asked.add(f"{prefix}:{_IAM_ACTIONS.get(operation, operation)}")
        return send(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    return asked


def granted_actions(policy: str) -> set[str]:
    """The actions of a managed policy."""
    iam = boto3.client("iam", REGION)
    version = iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
    document: Any = iam.get_policy_version(PolicyArn=policy, VersionId=version)["PolicyVersion"]["Document"]
    actions: set[str] = set()
    for statement in document["Statement"]:
        named = statement["Action"]
        actions |= {named} if isinstance(named, str) else set(named)
    return actions


def interrupt() -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt
