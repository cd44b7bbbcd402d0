"""gs:// by gcsfs, an extra: pip install 'metaclip-curate[gcs]'."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from metaclip_curate.errors import UserError
from metaclip_curate.storage.http import AS_STORED, HttpSource
from metaclip_curate.storage.options import StorageOptions
from metaclip_curate.storage.retry import TransientError
from metaclip_curate.storage.urls import bucket_and_key


def source(url: str, options: StorageOptions) -> HttpSource:
    """One object, read over HTTP like any other; gcsfs gives the address and the credentials.

    Raises:
        UserError: gcsfs is not installed.
    """
    bucket, key = bucket_and_key(url)
    files = _filesystem()
    return HttpSource(files.url(f"{bucket}/{key}"), options.read_timeout, _signed(files))


class GsStore:
    """As `Store` says. An object appears when its upload is complete; gcsfs tries again by its own rules."""

    def __init__(self) -> None:
        self._files = _filesystem()

    def is_file(self, url: str) -> bool:
        """True when there is such an object."""
        return self._type(url) == "file"

    def is_folder(self, url: str) -> bool:
        """True when something lies below it."""
        return self._type(url) == "directory"

    def list(self, url: str, *, recursive: bool) -> list[str]:
        """Names below a folder, as `Store.list` says."""
        folder = url.rstrip("/")
        try:
            if recursive:
                found = self._call(self._files.find, folder, detail=True).values()
            else:
                found = self._call(self._files.ls, folder, detail=True)
        except FileNotFoundError:
            return []
        prefix = "/".join(bucket_and_key(folder)).rstrip("/") + "/"
        names: list[str] = []
        for item in found:
            name = item["name"].removeprefix(prefix).rstrip("/")
            # An object whose name ends in a slash is a console's mark of an empty folder.
            if item["name"].startswith(prefix) and name:
                if item["type"] == "directory":
                    names.append(name + "/")
                elif not item["name"].endswith("/"):
                    names.append(name)
        return sorted(names)

    def write(self, url: str, data: bytes) -> None:
        """Makes or replaces a file."""
        self._call(self._files.pipe_file, url, data)

    def upload(self, local_file: str, url: str) -> None:
        """Makes or replaces a file from a local one."""
        self._call(self._files.put_file, local_file, url)

    def delete_folder(self, url: str) -> None:
        """Deletes all below a folder."""
        names = [f"{url.rstrip('/')}/{name}" for name in self.list(url, recursive=True)]
        if names:
            self._call(self._files.rm, names)

    def _type(self, url: str) -> str:
        # Not isfile and isdir: these take any failure for "no".
        try:
            return str(self._call(self._files.info, url.rstrip("/"))["type"])
        except FileNotFoundError:
            return ""

    def _call(self, action: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """The answer of gcsfs; what credentials or names are to blame for becomes a sentence for the user."""
        http_error = importlib.import_module("gcsfs.retry").HttpError
        try:
            return action(*arguments, **named)
        except FileNotFoundError:
            raise
        except (http_error, OSError, ValueError) as error:
            users = isinstance(error, ValueError) or str(error).startswith("Forbidden")
            if users or str(getattr(error, "code", "")) in ("400", "401", "403"):
                raise UserError(
                    f"Google Cloud Storage refused: {error}. Check the name and the credentials."
                ) from error
            raise OSError(f"Google Cloud Storage failed: {error}") from error


def _filesystem() -> Any:
    try:
        gcsfs = importlib.import_module("gcsfs")
    except ImportError as error:
        raise UserError("gs:// needs gcsfs, which is not installed: pip install 'metaclip-curate[gcs]'.") from error
    # Another process may write meanwhile: no listing is remembered.
    return gcsfs.GCSFileSystem(use_listings_cache=False)


def _signed(files: Any) -> Callable[[], Mapping[str, str]]:
    """Headers of a request with a token that is still good."""
    retry = importlib.import_module("gcsfs.retry")
    auth = importlib.import_module("google.auth.exceptions")
    failures = (retry.HttpError, retry.NonRetryableError, auth.GoogleAuthError, OSError)

    def headers() -> Mapping[str, str]:
        # Google unpacks objects marked Content-Encoding: gzip for who does not accept gzip
        # (cloud.google.com/storage/docs/transcoding); who accepts it gets the stored bytes.
        filled = {**AS_STORED, "Accept-Encoding": "gzip"}
        try:
            files.credentials.apply(filled)
        except failures as error:
            raise TransientError(f"no Google credentials ({error})") from error
        return filled

    return headers
