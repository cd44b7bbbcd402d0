"""Inputs, files and folders at gs://, by gcsfs from the extra `gcs`."""

from __future__ import annotations

import email.utils
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.http_source import AS_STORED, HttpSource
from metaclip_curate.storage.redaction import scrub
from metaclip_curate.storage.retry import TransientError
from metaclip_curate.storage.urls import bucket_and_key
from metaclip_curate.storage.versioned_file import VersionedFile


def source(url: str, options: StorageOptions) -> HttpSource:
    """Returns the source of an object, which is read over HTTP. gcsfs supplies its URL and the credentials.

    Raises:
        UserError: gcsfs isn't installed.
    """
    bucket, key = bucket_and_key(url)
    files = _filesystem()
    return HttpSource(files.url(f"{bucket}/{key}"), options.read_timeout, _signed(files))


class GsStore:
    """The `Store` of Google Cloud Storage. Objects appear when their upload is complete; gcsfs retries by itself."""

    def __init__(self) -> None:
        self._files = _filesystem()

    def is_file(self, url: str) -> bool:
        """Returns whether the object exists."""
        return self._type(url) == "file"

    def is_folder(self, url: str) -> bool:
        """Returns whether any object lies below the folder."""
        return self._type(url) == "directory"

    def list(self, url: str, *, recursive: bool) -> list[str]:
        """Lists the names below a folder."""
        return sorted(name for name, _ in self._items(url, recursive=recursive))

    def sizes(self, url: str, *, recursive: bool = False) -> dict[str, int]:
        """Returns the sizes of a folder's files."""
        items = self._items(url, recursive=recursive)
        return {name: int(item["size"]) for name, item in items if not name.endswith("/")}

    def _items(self, url: str, *, recursive: bool) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yields the names below a folder, folders with a slash at the end, and what gcsfs returns for each."""
        folder = url.rstrip("/")
        try:
            if recursive:
                found = self._call(self._files.find, folder, detail=True).values()
            else:
                found = self._call(self._files.ls, folder, detail=True)
        except FileNotFoundError:
            return
        prefix = "/".join(bucket_and_key(folder)).rstrip("/") + "/"
        for item in found:
            name = item["name"].removeprefix(prefix).rstrip("/")
            # Google's web console marks an empty folder by an object whose name ends in a slash.
            if item["name"].startswith(prefix) and name:
                if item["type"] == "directory":
                    yield name + "/", item
                elif not item["name"].endswith("/"):
                    yield name, item

    def write(self, url: str, data: bytes) -> None:
        """Makes or replaces a file."""
        self._call(self._files.pipe_file, url, data)

    def upload(self, local_file: str, url: str) -> None:
        """Makes or replaces a file with a local one's content."""
        self._call(self._files.put_file, local_file, url)

    def create(self, url: str, data: bytes) -> str | None:
        """Makes a small file unless it exists: on the condition that its generation is 0."""
        return self._upload_if(url, data, "0")

    def read_versioned(self, url: str) -> VersionedFile | None:
        """Reads a small file and its version, which is its generation."""
        try:
            headers, data = self._call(self._files.call, "GET", self._files.url(url))
        except FileNotFoundError:
            return None
        return VersionedFile(data, headers["x-goog-generation"])

    def replace(self, url: str, data: bytes, version: str) -> str | None:
        """Replaces a small file whose generation hasn't changed."""
        return self._upload_if(url, data, version)

    def age(self, url: str) -> float | None:
        """Returns a file's age by the service's clock, which dates its answers."""
        try:
            headers, resource = self._call(self._files.call, "GET", "b/{}/o/{}", *bucket_and_key(url))
        except FileNotFoundError:
            return None
        written = datetime.fromisoformat(json.loads(resource)["updated"])
        return (email.utils.parsedate_to_datetime(headers["Date"]) - written).total_seconds()

    def delete(self, url: str) -> None:
        """Deletes a file if it exists."""
        with suppress(FileNotFoundError):
            self._call(self._files.call, "DELETE", "b/{}/o/{}", *bucket_and_key(url))

    def delete_folder(self, url: str) -> None:
        """Deletes everything below a folder."""
        names = [f"{url.rstrip('/')}/{name}" for name in self.list(url, recursive=True)]
        if names:
            self._call(self._files.rm, names)

    def _upload_if(self, url: str, data: bytes, generation: str) -> str | None:
        """Writes if the object has this generation, by the JSON API: gcsfs itself supports only generation 0."""
        bucket, key = bucket_and_key(url)
        address = self._files.base.replace("/storage/v1/", "/upload/storage/v1/") + "b/{}/o"
        condition = {"uploadType": "media", "name": key, "ifGenerationMatch": generation}
        try:
            _, resource = self._call(self._files.call, "POST", address, bucket, data=data, **condition)
        except OSError as error:
            # Older versions of gcsfs have no specific exception for this answer.
            if not isinstance(error.__cause__, FileExistsError) and getattr(error.__cause__, "code", 0) != 412:
                raise
            # If the answer to a first attempt was lost, the second attempt finds what the first one wrote.
            found = self.read_versioned(url)
            return found.version if found and found.data == data else None
        return str(json.loads(resource)["generation"])

    def _type(self, url: str) -> str:
        # gcsfs's isfile and isdir return False on any failure.
        try:
            return str(self._call(self._files.info, url.rstrip("/"))["type"])
        except FileNotFoundError:
            return ""

    def _call(self, action: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Calls gcsfs, and raises `UserError` for wrong names or credentials and `OSError` for other failures."""
        http_error = importlib.import_module("gcsfs.retry").HttpError
        try:
            return action(*arguments, **named)
        except FileNotFoundError:
            raise
        except (http_error, OSError, ValueError) as error:
            is_mistake = isinstance(error, ValueError) or str(error).startswith("Forbidden")
            if is_mistake or str(getattr(error, "code", "")) in ("400", "401", "403"):
                raise UserError(
                    f"Google Cloud Storage refused: {scrub(str(error))}. Check the name and the credentials."
                ) from error
            raise OSError(f"Google Cloud Storage failed: {scrub(str(error))}") from error


def _filesystem() -> Any:
    try:
        gcsfs = importlib.import_module("gcsfs")
    except ImportError as error:
        raise UserError(f"gs:// needs gcsfs: {install_extra('gcs')}") from error
    # Listings aren't cached, since another process may write meanwhile.
    return gcsfs.GCSFileSystem(use_listings_cache=False)


def _signed(files: Any) -> Callable[[], Mapping[str, str]]:
    """Returns a function that returns a request's headers with a token that hasn't expired."""
    retry = importlib.import_module("gcsfs.retry")
    auth = importlib.import_module("google.auth.exceptions")
    failures = (retry.HttpError, retry.NonRetryableError, auth.GoogleAuthError, OSError)

    def headers() -> Mapping[str, str]:
        # Objects marked Content-Encoding: gzip are decompressed for clients that don't accept gzip
        # (cloud.google.com/storage/docs/transcoding); those that do get the stored bytes.
        filled = {**AS_STORED, "Accept-Encoding": "gzip"}
        try:
            files.credentials.apply(filled)
        except failures as error:
            raise TransientError(f"no Google credentials ({scrub(str(error))})") from error
        return filled

    return headers
