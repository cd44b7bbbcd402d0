"""Files and folders at s3://, by boto3."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
from botocore import exceptions as aws

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.s3_client import TRANSPORT_ERRORS, client, code_of, explain, status_of, store_error
from metaclip_curate.storage.urls import bucket_and_key
from metaclip_curate.storage.versioned_file import VersionedFile, replace_if_unchanged

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef, ListObjectsV2OutputTypeDef, ObjectIdentifierTypeDef

_CONFLICTS = 5  # attempts at a conditional write while another write of the same object is under way
_AWS_ERRORS = (aws.ClientError, aws.BotoCoreError)


class S3Store:
    """The `Store` of S3. A put and a completed multipart upload are atomic; boto3 retries failed requests itself."""

    def __init__(self, options: StorageOptions) -> None:
        self._options = options

    def is_file(self, url: str) -> bool:
        """Returns whether the object exists."""
        return bool(bucket_and_key(url)[1]) and self._head(url) is not None

    def is_folder(self, url: str) -> bool:
        """Returns whether any object lies below the folder."""
        for page in self._pages(url, recursive=True, page_size=1):
            return page["KeyCount"] > 0
        return False

    def list(self, url: str, *, recursive: bool) -> list[str]:
        """Lists the names below a folder."""
        prefix = _folder_key(url)
        names: list[str] = []
        for page in self._pages(url, recursive=recursive, page_size=1000):
            # S3's web console marks an empty folder by an object whose name ends in a slash.
            keys = [item["Key"] for item in page.get("Contents", [])]
            names.extend(key for key in keys if not key.endswith("/"))
            names.extend(item["Prefix"] for item in page.get("CommonPrefixes", []))
        return sorted(name.removeprefix(prefix) for name in names)

    def sizes(self, url: str, *, recursive: bool = False) -> dict[str, int]:
        """Returns the sizes of a folder's files."""
        prefix = _folder_key(url)
        pages = self._pages(url, recursive=recursive, page_size=1000)
        items = (item for page in pages for item in page.get("Contents", []))
        return {item["Key"].removeprefix(prefix): item["Size"] for item in items if not item["Key"].endswith("/")}

    def write(self, url: str, data: bytes) -> None:
        """Makes or replaces a file."""
        bucket, key = bucket_and_key(url)
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=data)
        except _AWS_ERRORS as error:
            raise store_error(url, error) from error

    def upload(self, local_file: str, url: str) -> None:
        """Makes or replaces a file from a local one."""
        bucket, key = bucket_and_key(url)
        try:
            self._client.upload_file(local_file, bucket, key)
        except (*_AWS_ERRORS, boto3.exceptions.Boto3Error) as error:
            raise store_error(url, error) from error

    def create(self, url: str, data: bytes) -> str | None:
        """Makes a small file unless it exists, by If-None-Match.

        If a service doesn't support that header, the file is looked up, written and read back. Of two writers at the
        same moment the later one then wins, and the earlier one may not notice.
        """
        try:
            return self._put_if(url, data, {"IfNoneMatch": "*"})
        except NotImplementedError:
            if self.is_file(url):
                return None
            self.write(url, data)
            return self._version_if(url, data)

    def read_versioned(self, url: str) -> VersionedFile | None:
        """Reads a small file and its version, which is its ETag."""
        bucket, key = bucket_and_key(url)
        for attempt in range(1, self._options.max_attempts + 1):
            try:
                answer = self._client.get_object(Bucket=bucket, Key=key)
                return VersionedFile(answer["Body"].read(), answer["ETag"])
            except aws.ClientError as error:
                if code_of(error) == "NoSuchKey":
                    return None
                raise store_error(url, error) from error
            except (aws.BotoCoreError, *TRANSPORT_ERRORS) as error:
                # boto3 retries a request without an answer, but not one whose body breaks.
                if attempt == self._options.max_attempts or not isinstance(error, TRANSPORT_ERRORS):
                    raise store_error(url, error) from error
        return None

    def replace(self, url: str, data: bytes, version: str) -> str | None:
        """Replaces a small file that hasn't changed, by If-Match if the service supports it."""
        try:
            return self._put_if(url, data, {"IfMatch": version})
        except NotImplementedError:
            return self._version_if(url, data) if replace_if_unchanged(self, url, data, version) else None

    def age(self, url: str) -> float | None:
        """Returns a file's age by the service's clock, which dates its answers."""
        answer = self._head(url)
        if answer is None:
            return None
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = email.utils.parsedate_to_datetime(date).timestamp() if date else time.time()
        return now - answer["LastModified"].timestamp()

    def delete(self, url: str) -> None:
        """Deletes a file if it exists."""
        bucket, key = bucket_and_key(url)
        try:
            self._client.delete_object(Bucket=bucket, Key=key)
        except _AWS_ERRORS as error:
            raise store_error(url, error) from error

    def delete_folder(self, url: str) -> None:
        """Deletes everything below a folder."""
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
        except _AWS_ERRORS as error:
            raise store_error(url, error) from error

    def _put_if(self, url: str, data: bytes, condition: dict[str, str]) -> str | None:
        """Writes under a condition; returns the version, or None if the condition isn't met.

        Raises:
            NotImplementedError: The service doesn't support such conditions.
        """
        bucket, key = bucket_and_key(url)
        for attempt in range(1, _CONFLICTS + 1):
            try:
                return self._client.put_object(Bucket=bucket, Key=key, Body=data, **condition)["ETag"]  # type: ignore[arg-type]
            except aws.ClientError as error:
                status, code = status_of(error), code_of(error)
                if status == 412 or code == "NoSuchKey":
                    # If the answer to a first attempt was lost, the second attempt finds what the first one wrote.
                    return self._version_if(url, data)
                if status in (400, 501):  # a plain write will show whether it was the condition
                    raise NotImplementedError from error
                if status != 409:
                    raise store_error(url, error) from error
                if attempt == _CONFLICTS:
                    raise OSError(f"{url}: {explain(error)}") from error
                time.sleep(0.1 * 2**attempt)
            except aws.BotoCoreError as error:
                raise store_error(url, error) from error
        return None

    def _head(self, url: str) -> HeadObjectOutputTypeDef | None:
        bucket, key = bucket_and_key(url)
        try:
            return self._client.head_object(Bucket=bucket, Key=key)
        except _AWS_ERRORS as error:
            if isinstance(error, aws.ClientError) and status_of(error) == 404:
                return None
            raise store_error(url, error) from error

    def _version_if(self, url: str, data: bytes) -> str | None:
        """Returns a file's version if this is its content, else None."""
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
        except _AWS_ERRORS as error:
            raise store_error(url, error) from error


def _folder_key(url: str) -> str:
    """Returns the prefix of a folder's objects. It ends in a slash, so that a/bc isn't taken for a part of a/b."""
    key = bucket_and_key(url)[1]
    return key if key == "" or key.endswith("/") else key + "/"
