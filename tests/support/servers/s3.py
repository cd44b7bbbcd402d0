"""An S3 server on loopback with authentication on, and the users who may and may not read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import urllib3
from botocore.config import Config

REGION = "us-east-1"
_ANYTHING_IN_S3 = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Credentials:
    """What a user signs with."""

    access_key: str
    secret_key: str

    def environment(self) -> Mapping[str, str]:
        """The variables by which boto3's default chain finds these credentials, here and in worker processes."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


class S3Server:
    """moto's S3 in a process of its own. Use as a context manager.

    Attributes:
        url: http://127.0.0.1:PORT, to be given as endpoint.
        owner: may do everything in S3.
        stranger: a user whom no policy allows anything.
    """

    url: str
    owner: Credentials
    stranger: Credentials

    def __enter__(self) -> S3Server:
        script = Path(__file__).with_name("moto_server.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "no_proxy": "127.0.0.1"},
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port:
            self._process.wait()
            raise RuntimeError("moto did not start; is moto[s3,server] installed?")
        self.url = f"http://127.0.0.1:{port}"
        self.owner = self._new_user("owner", _ANYTHING_IN_S3)
        self.stranger = self._new_user("stranger", None)
        self._owners_client = self._client("s3", self.owner)
        # From here on every request is checked.
        urllib3.request("POST", f"{self.url}/moto-api/reset-auth", body=b"0")
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def client(self) -> Any:
        """A boto3 client of the owner, for a test to prepare and look at what is in S3."""
        return self._owners_client

    def put(self, bucket: str, objects: Mapping[str, bytes], *, public: bool = False) -> None:
        """Puts objects into a bucket, which is made if there is none."""
        client = self.client()
        if bucket not in {entry["Name"] for entry in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=bucket)
        for key, body in objects.items():
            client.put_object(Bucket=bucket, Key=key, Body=body, ACL="public-read" if public else "private")

    def _new_user(self, name: str, policy: Mapping[str, Any] | None) -> Credentials:
        iam = self._client("iam", Credentials("setup", "setup"))
        iam.create_user(UserName=name)
        if policy is not None:
            iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def _client(self, service: str, credentials: Credentials) -> Any:
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            config=Config(s3={"addressing_style": "path"}),
        )
