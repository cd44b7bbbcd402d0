"""Inputs at s3://, read by GetObject with Range and IfMatch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from botocore import exceptions as aws

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.retry import RefusedError
from metaclip_curate.storage.s3_client import TRANSPORT_ERRORS, client, read_error
from metaclip_curate.storage.source import Version, byte_range
from metaclip_curate.storage.urls import bucket_and_key

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef

# Upper bound of one read from the socket. If the connection is reset within a read, boto3 loses what it had received.
_PIECE_BYTES = 1 << 16
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-\d{1,19}/(\d{1,19})", re.ASCII)
_MALFORMED = "the service's answer can't be understood"


class S3Source:
    """One object.

    Args:
        url: The object's s3:// URL.
        options: Anonymous or not, endpoint, region and time-out.
    """

    def __init__(self, url: str, options: StorageOptions) -> None:
        self._bucket, self._key = bucket_and_key(url)
        self._options = options

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> S3Connection:
        """Requests the bytes from `offset` on, as `Source.connect` does."""
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": self._key}
        if offset > 0 or end is not None:
            request["Range"] = byte_range(offset, end)
            if version is not None and version.etag:
                request["IfMatch"] = version.etag
        try:
            answer = client(self._options, 1).get_object(**request)
        except (aws.ClientError, aws.BotoCoreError, *TRANSPORT_ERRORS) as error:
            raise read_error(error) from error
        except ValueError as error:  # such as a number of thousands of digits
            raise RefusedError(_MALFORMED) from error
        size, start = answer["ContentLength"], 0
        match = _CONTENT_RANGE.fullmatch(answer.get("ContentRange", ""))
        if match is not None:
            start, size = int(match[1]), int(match[2])
        changed = answer.get("LastModified")
        found = Version(size, answer.get("ETag", ""), changed.isoformat() if changed else "")
        return S3Connection(answer["Body"], start, found)

    def close(self) -> None:
        """Does nothing: the client is kept for other objects."""


class S3Connection:
    """The body of one answer."""

    def __init__(self, body: StreamingBody, start: int, version: Version) -> None:
        self._body = body
        self.start = start
        self.version = version

    def read(self, size: int) -> bytes:
        """Reads as `Connection.read` does."""
        try:
            return self._body.read(min(size, _PIECE_BYTES))
        except TRANSPORT_ERRORS as error:
            raise read_error(error) from error
        except ValueError as error:
            raise RefusedError(_MALFORMED) from error

    def close(self) -> None:
        """Closes the body."""
        self._body.close()
