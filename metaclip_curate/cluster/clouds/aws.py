"""Clients, errors and CloudFormation outputs for the services of AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from metaclip_curate.errors import JobFailedError, UserError

_COMMON_CRAWL = "s3://commoncrawl/crawl-data/"


def client(service: str, region: str) -> Any:
    """Makes a boto3 client with the default chain of credentials."""
    import boto3

    return boto3.client(service, region_name=region)  # type: ignore[call-overload]


def broken_connections() -> tuple[type[Exception], ...]:
    """Lists the exceptions that a broken connection raises, after the retries of boto3."""
    from botocore import exceptions as aws

    return (aws.HTTPClientError, aws.ConnectionError)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turns errors of AWS into a `JobFailedError` of one line."""
    from botocore import exceptions as aws

    try:
        yield
    except (aws.ClientError, aws.BotoCoreError) as error:
        raise JobFailedError(f"AWS refused: {error}") from error


class Outputs(Mapping[str, str]):
    """The outputs of a CloudFormation stack; in a dry run, a placeholder for each.

    Args:
        stack: Name of the stack.
        values: Outputs by name; None for a dry run.
    """

    def __init__(self, stack: str, values: Mapping[str, str] | None) -> None:
        self._stack = stack
        self._values = values

    def __getitem__(self, name: str) -> str:
        """Returns an output.

        Raises:
            UserError: The stack has no such output.
        """
        if self._values is None:
            return f"<{name} of the stack {self._stack}>"
        if name not in self._values:
            raise UserError(f"the stack {self._stack} has no output {name}: update it with the template in deploy/")
        return self._values[name]

    def __iter__(self) -> Any:
        """Iterates over the names of the outputs."""
        return iter(self._values or {})

    def __len__(self) -> int:
        """Returns the number of outputs."""
        return len(self._values or {})


def stack_outputs(stack: str, region: str) -> Outputs:
    """Reads the outputs of a stack.

    Raises:
        UserError: There is no such stack, it isn't complete, or the credentials don't permit it.
    """
    from botocore import exceptions as aws

    try:
        found = client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"][0]
    except (aws.ClientError, aws.BotoCoreError) as error:
        raise UserError(
            f"the stack {stack} in {region} can't be read ({error}): create it as docs/running-on-emr.md describes"
        ) from error
    if not found["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in found["StackStatus"]:
        raise UserError(f"the stack {stack} is {found['StackStatus']}: wait, or see its events")
    return Outputs(stack, {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])})


def checked_outputs(stack: str, region: str, urls: Sequence[tuple[str, str]]) -> Outputs:
    """Reads the outputs of a stack, and checks that its roles may read and write all URLs.

    Args:
        stack: Name of the stack.
        region: Region of the stack.
        urls: Options of the user with the URL that each gives.

    Raises:
        UserError: The stack can't be read or isn't complete, or a URL is outside of its folder.
    """
    outputs = stack_outputs(stack, region)
    check_urls(urls, outputs)
    return outputs


def check_urls(urls: Sequence[tuple[str, str]], outputs: Outputs) -> None:
    """Checks that the roles of the stack may read and write all URLs.

    Args:
        urls: Options of the user with the URL that each gives.
        outputs: Outputs of the stack.

    Raises:
        UserError: A URL is outside of the stack's folder.
    """
    root = outputs["DataUrl"]
    for name, url in urls:
        if url.startswith("s3://") and not f"{url}/".startswith((f"{root}/", _COMMON_CRAWL)):
            raise UserError(f"{name} {url} isn't below {root}, where the stack's roles may read and write")
