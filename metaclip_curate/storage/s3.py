"""s3:// by boto3: signed by boto3's usual chain of credentials, or anonymous; Amazon's or a compatible service."""

from __future__ import annotations

import email.utils
import functools
import os
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import botocore
import urllib3.exceptions
from botocore import exceptions as aws
from botocore.config import Config

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.reader import Version
from metaclip_curate.storage.retry import (
    RETRIED_STATUSES,
    MissingError,
    RefusedError,
    TransientError,
    retry_after_seconds,
)
from metaclip_curate.storage.secrets import scrub
from metaclip_curate.storage.urls import bucket_and_key
from metaclip_curate.storage.versioned_file import VersionedFile, replace_if_unchanged

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        GetObjectRequestTypeDef,
        ListObjectsV2OutputTypeDef,
        ObjectIdentifierTypeDef,
    )

_CONFLICTS = 5  # tries of a conditional write while another one of the same object is under way
# What one read takes from the socket at most. boto3 loses what came of a piece when the connection is reset within it.
_PIECE = 1 << 16
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-\d{1,19}/(\d{1,19})", re.ASCII)
_NO_CREDENTIALS = (aws.NoCredentialsError, aws.PartialCredentialsError)
_TRANSPORT = (  # the request or the answer broke on the way
    aws.HTTPClientError,
    aws.ConnectionError,
    aws.IncompleteReadError,
    aws.MetadataRetrievalError,
    urllib3.exceptions.HTTPError,
    OSError,
)


def client(options: StorageOptions, attempts: int) -> S3Client:
    """A client; kept, since making one takes as long as ten small requests.

    A process that was forked makes its own: its parent's has open connections, on which each would read the answers to
    the other's requests.

    Args:
        options: credentials or none, endpoint, region, time-out.
        attempts: boto3's own tries of a request; 1 where `InputStream` counts them.

    Raises:
        UserError: an option or a setting of the environment is malformed.
    """
    return _client(os.getpid(), options, attempts)


def forget_clients() -> None:
    """Lets the next clients look for credentials and settings anew."""
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
        # Buckets as host names need a DNS of their own, which few such services have.
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


class S3Source:
    """One object, by GetObject with Range and IfMatch."""

    def __init__(self, url: str, options: StorageOptions) -> None:
        self._bucket, self._key = bucket_and_key(url)
        self._options = options

    def connect(self, offset: int, version: Version | None) -> S3Connection:
        """As `Source.connect` says."""
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": self._key}
        if offset > 0:
            request["Range"] = f"bytes={offset}-"
            if version is not None and version.etag:
                request["IfMatch"] = version.etag
        try:
            answer = client(self._options, 1).get_object(**request)
        except aws.ClientError as error:
            raise _answered(error) from error
        except _TRANSPORT as error:
            raise _broken(error) from error
        except aws.BotoCoreError as error:
            raise RefusedError(_explained(error)) from error
        except ValueError as error:  # numbers of thousands of digits, for one
            raise RefusedError("the service's answer can't be understood") from error
        size, start = answer["ContentLength"], 0
        match = _CONTENT_RANGE.fullmatch(answer.get("ContentRange", ""))
        if match is not None:
            start, size = int(match[1]), int(match[2])
        changed = answer.get("LastModified")
        return S3Connection(
            answer["Body"],
            start,
            Version(size, answer.get("ETag", ""), changed.isoformat() if changed else ""),
        )

    def close(self) -> None:
        """Ends it."""


class S3Connection:
    """The body of one answer."""

    def __init__(self, body: StreamingBody, start: int, version: Version) -> None:
        self._body = body
        self.start = start
        self.version = version

    def read(self, size: int) -> bytes:
        """As `Connection.read` says."""
        try:
            return self._body.read(min(size, _PIECE))
        except _TRANSPORT as error:
            raise _broken(error) from error
        except ValueError as error:
            raise RefusedError("the service's answer can't be understood") from error

    def close(self) -> None:
        """Ends it."""
        self._body.close()


class S3Store:
    """As `Store` says. A put and a finished multipart upload are atomic; boto3 tries again by its own rules."""

    def __init__(self, options: StorageOptions) -> None:
        self._options = options

    def is_file(self, url: str) -> bool:
        """True when there is such an object."""
        bucket, key = bucket_and_key(url)
        if not key:
            return False
        try:
            self._client.head_object(Bucket=bucket, Key=key)
        except aws.ClientError as error:
            if _status(error) == 404:
                return False
            raise _told(url, error) from error
        except aws.BotoCoreError as error:
            raise _told(url, error) from error
        return True

    def is_folder(self, url: str) -> bool:
        """True when something lies below it."""
        for page in self._pages(url, recursive=True, page_size=1):
            return page["KeyCount"] > 0
        return False

    def list(self, url: str, *, recursive: bool) -> list[str]:
        """Names below a folder, as `Store.list` says."""
        prefix = _folder_key(url)
        names: list[str] = []
        for page in self._pages(url, recursive=recursive, page_size=1000):
            # An object whose name ends in a slash is a console's mark of an empty folder.
            keys = [item["Key"] for item in page.get("Contents", [])]
            names.extend(key for key in keys if not key.endswith("/"))
            names.extend(item["Prefix"] for item in page.get("CommonPrefixes", []))
        return sorted(name.removeprefix(prefix) for name in names)

    def sizes(self, url: str) -> dict[str, int]:
        """Sizes of a folder's files, as `Store.sizes` says."""
        prefix = _folder_key(url)
        pages = self._pages(url, recursive=False, page_size=1000)
        items = (item for page in pages for item in page.get("Contents", []))
        return {item["Key"].removeprefix(prefix): item["Size"] for item in items if not item["Key"].endswith("/")}

    def write(self, url: str, data: bytes) -> None:
        """Makes or replaces a file."""
        bucket, key = bucket_and_key(url)
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=data)
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise _told(url, error) from error

    def upload(self, local_file: str, url: str) -> None:
        """Makes or replaces a file from a local one."""
        bucket, key = bucket_and_key(url)
        try:
            self._client.upload_file(local_file, bucket, key)
        except (aws.ClientError, aws.BotoCoreError, boto3.exceptions.Boto3Error) as error:
            raise _told(url, error) from error

    def create(self, url: str, data: bytes) -> str | None:
        """Makes a small file if there is none, by If-None-Match.

        A service that doesn't know it is asked whether there is one, and afterwards what is there: then of two who try
        within the same moment the later one has it, and the earlier one may not notice.
        """
        try:
            return self._put_if(url, data, {"IfNoneMatch": "*"})
        except NotImplementedError:
            if self.is_file(url):
                return None
            self.write(url, data)
            return self._version_if(url, data)

    def read_versioned(self, url: str) -> VersionedFile | None:
        """A small file, as `Store.read_versioned` says."""
        bucket, key = bucket_and_key(url)
        for attempt in range(1, self._options.max_attempts + 1):
            try:
                answer = self._client.get_object(Bucket=bucket, Key=key)
                return VersionedFile(answer["Body"].read(), answer["ETag"])
            except aws.ClientError as error:
                if _code(error) == "NoSuchKey":
                    return None
                raise _told(url, error) from error
            except (aws.BotoCoreError, *_TRANSPORT) as error:
                # boto3 asks again where no answer comes, and not where its body breaks.
                if attempt == self._options.max_attempts or not isinstance(error, _TRANSPORT):
                    raise _told(url, error) from error
        return None

    def replace(self, url: str, data: bytes, version: str) -> str | None:
        """Replaces a small file that hasn't changed, by If-Match; where a service doesn't know it, after a look."""
        try:
            return self._put_if(url, data, {"IfMatch": version})
        except NotImplementedError:
            return self._version_if(url, data) if replace_if_unchanged(self, url, data, version) else None

    def age(self, url: str) -> float | None:
        """Seconds by the service's clock, which dates its answers."""
        bucket, key = bucket_and_key(url)
        try:
            answer = self._client.head_object(Bucket=bucket, Key=key)
        except aws.ClientError as error:
            if _status(error) == 404:
                return None
            raise _told(url, error) from error
        except aws.BotoCoreError as error:
            raise _told(url, error) from error
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = email.utils.parsedate_to_datetime(date).timestamp() if date else time.time()
        return now - answer["LastModified"].timestamp()

    def delete(self, url: str) -> None:
        """Deletes a file."""
        bucket, key = bucket_and_key(url)
        try:
            self._client.delete_object(Bucket=bucket, Key=key)
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise _told(url, error) from error

    def delete_folder(self, url: str) -> None:
        """Deletes all below a folder."""
        bucket, _ = bucket_and_key(url)
        try:
            for page in self._pages(url, recursive=True, page_size=1000):
                keys: list[ObjectIdentifierTypeDef] = [{"Key": item["Key"]} for item in page.get("Contents", [])]
                if not keys:
                    continue
                answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                for failure in answer.get("Errors", []):
                    raise UserError(
                        f"s3://{bucket}/{failure.get('Key')} cannot be deleted "
                        f"({failure.get('Code')}); the credentials need s3:DeleteObject."
                    )
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise _told(url, error) from error

    def _put_if(self, url: str, data: bytes, condition: dict[str, str]) -> str | None:
        """Writes under a condition; None where it isn't met.

        Raises:
            NotImplementedError: The service doesn't know such conditions.
        """
        bucket, key = bucket_and_key(url)
        for attempt in range(1, _CONFLICTS + 1):
            try:
                return self._client.put_object(Bucket=bucket, Key=key, Body=data, **condition)["ETag"]  # type: ignore[arg-type]
            except aws.ClientError as error:
                status, code = _status(error), _code(error)
                if status == 412 or code == "NoSuchKey":
                    # Where the answer to a first try was lost, the second one finds what the first one wrote.
                    return self._version_if(url, data)
                if status in (400, 501):  # a plain write tells whether it was the condition
                    raise NotImplementedError from error
                if status != 409:
                    raise _told(url, error) from error
                if attempt == _CONFLICTS:
                    raise OSError(f"{url}: {_explained(error)}") from error
                time.sleep(0.1 * 2**attempt)
            except aws.BotoCoreError as error:
                raise _told(url, error) from error
        return None

    def _version_if(self, url: str, data: bytes) -> str | None:
        """A file's version if this is its content."""
        found = self.read_versioned(url)
        return found.version if found and found.data == data else None

    @property
    def _client(self) -> S3Client:
        return client(self._options, self._options.max_attempts)

    def _pages(self, url: str, *, recursive: bool, page_size: int) -> Iterator[ListObjectsV2OutputTypeDef]:
        bucket, _ = bucket_and_key(url)
        request: dict[str, Any] = {"Bucket": bucket, "Prefix": _folder_key(url)}
        if not recursive:
            request["Delimiter"] = "/"
        paginator = self._client.get_paginator("list_objects_v2")
        try:
            yield from paginator.paginate(**request, PaginationConfig={"PageSize": page_size})
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise _told(url, error) from error


def _folder_key(url: str) -> str:
    """The prefix of all that lies in a folder: with a slash at its end, so that a/b is not in a/bc."""
    key = bucket_and_key(url)[1]
    return key if key == "" or key.endswith("/") else key + "/"


def _status(error: aws.ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _code(error: aws.ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _answered(error: aws.ClientError) -> TransientError | RefusedError:
    """An error answer of the service as what it means for reading on."""
    status, code = _status(error), _code(error)
    if status == 412:
        return RefusedError(f"the object changed while it was read ({code}, HTTP {status})")
    if status in RETRIED_STATUSES:
        headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        wait = retry_after_seconds(headers.get("retry-after"), time.time())
        return TransientError(f"HTTP {status} {code}", wait)
    return MissingError(_explained(error)) if status == 404 else RefusedError(_explained(error))


def _broken(error: Exception) -> TransientError | RefusedError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return RefusedError(scrub(str(error)))
    return TransientError(scrub(str(error)) or type(error).__name__)


def _explained(error: Exception) -> str:
    """One sentence with the remedy where there is a usual one."""
    if isinstance(error, _NO_CREDENTIALS):
        return "no AWS credentials were found; set up a profile or a role, or use --s3-anonymous for a public bucket"
    if isinstance(error, aws.ClientError):
        answer = error.response.get("Error", {})
        status, code = _status(error), answer.get("Code", "")
        message = answer.get("Message", "")
        # HEAD has no body: its code is the status once more.
        detail = "" if code == str(status) else f" {code}"
        return f"HTTP {status}{detail}" + (f": {message}" if message else "")
    return scrub(str(error))


def _told(url: str, error: Exception) -> UserError | OSError:
    """What a person is told: their mistake as one, a failing service as itself."""
    if isinstance(error, _TRANSPORT):
        return OSError(f"{url}: {scrub(str(error))}")
    if isinstance(error, aws.ClientError) and _status(error) >= 500:
        return OSError(f"{url}: {_explained(error)}")
    return UserError(f"{url}: {_explained(error)}. Check the name, the credentials and the region.")
