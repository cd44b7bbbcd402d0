"""The templates are what CloudFormation takes, and their roles may do no more than they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint import api, decode

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

TEMPLATES = sorted((ROOT / "deploy").glob("emr*/template.yaml"))
# EC2 knows no resources for them.
UNLIMITED = {"Look"}


@pytest.fixture(params=TEMPLATES, ids=lambda path: path.parent.name)
def template(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def statements(template: Path) -> Iterator[dict[str, Any]]:
    resources = decode.decode(str(template))[0]["Resources"]
    for resource in resources.values():
        properties = resource.get("Properties", {})
        policies = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        if "PolicyDocument" in properties:
            policies.append(properties["PolicyDocument"])
        for policy in policies:
            yield from (statement for statement in policy["Statement"] if statement["Effect"] == "Allow")


def test_both_templates_are_there() -> None:
    assert [path.parent.name for path in TEMPLATES] == ["emr", "emr-serverless"]


def test_cfn_lint_has_nothing_to_say(template: Path) -> None:
    found = api.lint(template.read_text(), config=api.ManualArgs(regions=["us-east-1", "eu-central-1"]))
    assert [f"{match.linenumber}: {match.rule.id} {match.message}" for match in found] == []


def test_no_right_takes_all_actions_or_all_resources(template: Path) -> None:
    checked = 0
    for statement in statements(template):
        actions, resources = ([entry] if isinstance(entry, str | dict) else entry
                              for entry in (statement["Action"], statement["Resource"]))  # fmt: skip
        assert not [action for action in actions if "*" in action], statement["Sid"]
        if "*" in resources:
            assert statement["Sid"] in UNLIMITED
            assert all(str(action).startswith("ec2:Describe") for action in actions)
        checked += 1
    assert checked > 8


def test_what_can_write_or_pass_is_limited(template: Path) -> None:
    for statement in statements(template):
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        text = json.dumps(statement["Resource"])
        if any(action in ("s3:PutObject", "s3:DeleteObject") for action in actions):
            assert "${Prefix}/*" in text or "LogBucket.Arn}/emr" in text
        if "iam:PassRole" in actions:
            assert "GetAtt" in text and "iam:PassedToService" in json.dumps(statement["Condition"])
        if "s3:ListBucket" in actions and "LogBucket" not in text:
            assert "s3:prefix" in json.dumps(statement["Condition"])


def test_buckets_refuse_plain_http(template: Path) -> None:
    resources = decode.decode(str(template))[0]["Resources"]
    policies = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::S3::BucketPolicy":
            policies[resource["Properties"]["Bucket"]["Ref"]] = resource
    assert policies.keys() == {name for name, resource in resources.items() if resource["Type"] == "AWS::S3::Bucket"}
    for bucket, policy in policies.items():
        assert policy.get("Condition") == resources[bucket].get("Condition")
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert [list(resource.values()) for resource in statement["Resource"]] == [
            [[bucket, "Arn"]],
            [f"${{{bucket}.Arn}}/*"],
        ]


def test_machines_of_emr_encrypt_their_disks_and_want_a_token_for_their_credentials() -> None:
    resources = decode.decode(str(ROOT / "deploy" / "emr" / "template.yaml"))[0]["Resources"]
    configuration = resources["SecurityConfiguration"]["Properties"]["SecurityConfiguration"]
    assert configuration["InstanceMetadataServiceConfiguration"] == {
        "MinimumInstanceMetadataServiceVersion": 2,
        "HttpPutResponseHopLimit": 1,
    }
    encryption = configuration["EncryptionConfiguration"]
    assert encryption["EnableAtRestEncryption"] is True
    disks = encryption["AtRestEncryptionConfiguration"]["LocalDiskEncryptionConfiguration"]
    assert disks["EncryptionKeyProviderType"] == "AwsKms"
    assert disks["EnableEbsEncryption"] is True
    assert "DiskKey" in json.dumps(disks["AwsKmsKey"])


def test_a_key_is_used_for_disks_and_nothing_else() -> None:
    of_keys = []
    for statement in statements(ROOT / "deploy" / "emr" / "template.yaml"):
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        if any(action.startswith("kms:") for action in actions):
            of_keys.append(statement)
            assert all(action.startswith("kms:") for action in actions)
            assert json.dumps(statement["Resource"]) == json.dumps(
                {"Fn::If": ["MakeKey", {"Fn::GetAtt": ["DiskKey", "Arn"]}, {"Ref": "DiskKeyArn"}]}
            )
        if "kms:CreateGrant" in actions:
            assert statement["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert len(of_keys) == 3


def test_buckets_are_private_encrypted_and_kept(template: Path) -> None:
    resources = decode.decode(str(template))[0]["Resources"]
    buckets = [resource for resource in resources.values() if resource["Type"] == "AWS::S3::Bucket"]
    assert len(buckets) == 2
    for bucket in buckets:
        assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
        assert bucket["Properties"]["BucketEncryption"]
        assert bucket["DeletionPolicy"] == "Retain"
