"""What the AWS services share: clients, and what a stack made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from metaclip_curate.errors import JobFailedError, UserError

_COMMON_CRAWL = "s3://commoncrawl/crawl-data/"


def client(service: str, region: str) -> Any:
    """A boto3 client by the usual chain of credentials."""
    import boto3

    return boto3.client(service, region_name=region)  # type: ignore[call-overload]


def broken_connections() -> tuple[type[Exception], ...]:
    """What is raised when a request or its answer is lost; boto3 has tried a few times by then."""
    from botocore import exceptions as aws

    return (aws.HTTPClientError, aws.ConnectionError)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turns what AWS answers into what a person is told."""
    from botocore import exceptions as aws

    try:
        yield
    except (aws.ClientError, aws.BotoCoreError) as error:
        raise JobFailedError(f"AWS refused: {error}") from error


class Outputs(Mapping[str, str]):
    """The outputs of a CloudFormation stack; in a dry run a description of each.

    Args:
        stack: Its name.
        values: By name; None for a dry run.
    """

    def __init__(self, stack: str, values: Mapping[str, str] | None) -> None:
        self._stack = stack
        self._values = values

    def __getitem__(self, name: str) -> str:
        """An output.

        Raises:
            UserError: The stack has none of that name.
        """
        if self._values is None:
            return f"<{name} of the stack {self._stack}>"
        if name not in self._values:
            raise UserError(f"the stack {self._stack} has no output {name}: update it with the template that ships")
        return self._values[name]

    def __iter__(self) -> Any:
        """The names that are known."""
        return iter(self._values or {})

    def __len__(self) -> int:
        """How many are known."""
        return len(self._values or {})


def stack_outputs(stack: str, region: str) -> Outputs:
    """Reads what a stack made.

    Raises:
        UserError: There is no such stack, or it isn't complete, or the credentials don't do.
    """
    from botocore import exceptions as aws

    try:
        found = client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"][0]
    except (aws.ClientError, aws.BotoCoreError) as error:
        raise UserError(f"the stack {stack} in {region} can't be read ({error}): make it, see docs") from error
    if not found["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in found["StackStatus"]:
        raise UserError(f"the stack {stack} is {found['StackStatus']}: wait, or see its events")
    return Outputs(stack, {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])})


def check_places(places: Sequence[tuple[str, str]], outputs: Outputs) -> None:
    """Refuses buckets that the stack's roles may not read or write.

    Args:
        places: What the user named, each an option and a URL.
        outputs: The stack's.

    Raises:
        UserError: One lies elsewhere.
    """
    root = outputs["DataUrl"]
    for name, url in places:
        if url.startswith("s3://") and not f"{url}/".startswith((f"{root}/", _COMMON_CRAWL)):
            raise UserError(f"{name} {url} isn't below {root}, where the stack's roles may read and write")
