"""Clients of Amazon S3 and compatible services, by boto3, and the meaning of their errors."""

from __future__ import annotations

import functools
import os
import time
from typing import TYPE_CHECKING, Any

import boto3
import botocore
import urllib3.exceptions
from botocore import exceptions as aws
from botocore.config import Config

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.redaction import scrub
from metaclip_curate.storage.retry import (
    RETRIED_STATUSES,
    MissingError,
    RefusedError,
    TransientError,
    retry_after_seconds,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The request or the answer broke on the way.
TRANSPORT_ERRORS = (
    aws.HTTPClientError,
    aws.ConnectionError,
    aws.IncompleteReadError,
    aws.MetadataRetrievalError,
    urllib3.exceptions.HTTPError,
    OSError,
)
_NO_CREDENTIALS = (aws.NoCredentialsError, aws.PartialCredentialsError)


def client(options: StorageOptions, attempts: int) -> S3Client:
    """Returns a client, signed by boto3's usual chain of credentials or anonymous.

    Clients are kept, since making one takes as long as ten small requests. A forked process makes its own: on its
    parent's open connections each would read the answers to the other's requests.

    Args:
        options: Anonymous or not, endpoint, region and time-out.
        attempts: boto3's own attempts at a request; 1 where `InputStream` retries.

    Raises:
        UserError: An option or a setting of the environment is malformed.
    """
    return _client(os.getpid(), options, attempts)


def forget_clients() -> None:
    """Drops the clients that are kept, so that the next ones look up credentials and settings again."""
    _client.cache_clear()


@functools.lru_cache(maxsize=8)
def _client(process: int, options: StorageOptions, attempts: int) -> S3Client:
    settings: dict[str, Any] = {
        "retries": {"total_max_attempts": attempts, "mode": "standard"},
        "connect_timeout": options.read_timeout,
        "read_timeout": options.read_timeout,
        # Compatible services know neither the trailing checksums of writes nor those of reads.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    if options.s3_anonymous:
        settings["signature_version"] = botocore.UNSIGNED
    if options.s3_endpoint_url:
        # Buckets as host names need DNS entries of their own, which few such services have.
        settings["s3"] = {"addressing_style": "path"}
    try:
        return boto3.session.Session().client(
            "s3",
            region_name=options.s3_region or None,
            endpoint_url=options.s3_endpoint_url or None,
            config=Config(**settings),
        )
    except (ValueError, aws.BotoCoreError) as error:  # a wrong endpoint, region or AWS_PROFILE
        raise UserError(f"s3:// cannot be used: {scrub(str(error))}; correct the setting.") from error


def status_of(error: aws.ClientError) -> int:
    """Returns the HTTP status of an error answer, 0 if it has none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def code_of(error: aws.ClientError) -> str:
    """Returns the service's code of an error answer, such as NoSuchKey."""
    return error.response.get("Error", {}).get("Code", "")


def read_error(error: Exception) -> TransientError | RefusedError:
    """Returns what an error means for a read: try again, or don't."""
    if isinstance(error, aws.ClientError):
        return _answered_error(error)
    if not isinstance(error, TRANSPORT_ERRORS):
        return RefusedError(explain(error))
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return RefusedError(scrub(str(error)))
    return TransientError(scrub(str(error)) or type(error).__name__)


def store_error(url: str, error: Exception) -> UserError | OSError:
    """Returns what an error of a write or a listing means for the user: their mistake, or a failing service.

    Args:
        url: Object or folder that the request was about.
        error: Raised by boto3.
    """
    if isinstance(error, TRANSPORT_ERRORS):
        return OSError(f"{url}: {scrub(str(error))}")
    if isinstance(error, aws.ClientError) and status_of(error) >= 500:
        return OSError(f"{url}: {explain(error)}")
    return UserError(f"{url}: {explain(error)}. Check the name, the credentials and the region.")


def explain(error: Exception) -> str:
    """Returns an error's cause as one clause, with the remedy if there is a usual one."""
    if isinstance(error, _NO_CREDENTIALS):
        return "no AWS credentials were found; set up a profile or a role, or use --s3-anonymous for a public bucket"
    if isinstance(error, aws.ClientError):
        status, code = status_of(error), code_of(error)
        message = error.response.get("Error", {}).get("Message", "")
        # A HEAD request's answer has no body: its code is the status once more.
        detail = "" if code == str(status) else f" {code}"
        return f"HTTP {status}{detail}" + (f": {message}" if message else "")
    return scrub(str(error))


def _answered_error(error: aws.ClientError) -> TransientError | RefusedError:
    status, code = status_of(error), code_of(error)
    if status == 412:
        return RefusedError(f"the object changed while it was read ({code}, HTTP {status})")
    if status in RETRIED_STATUSES:
        headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        wait = retry_after_seconds(headers.get("retry-after"), time.time())
        return TransientError(f"HTTP {status} {code}", wait)
    return MissingError(explain(error)) if status == 404 else RefusedError(explain(error))
