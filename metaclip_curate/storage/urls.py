"""Names of files and folders: local paths, file:, http(s):, s3:, gs: and hdfs: URLs, and Common Crawl's paths."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions

# Begins each path in Common Crawl's own lists (wat.paths), which names a file below --cc-base.
CRAWL_PREFIX = "crawl-data/"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://|(file):/", re.ASCII)
# Hadoop's names of the same stores, which Spark users write.
_ALIASES = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "file": ""}


def scheme_of(url: str) -> str:
    """Returns the scheme of a store: "" for a local path or file: URL, else http, https, s3, gs, hdfs or another."""
    match = _SCHEME.match(url)
    if match is None:
        return ""
    scheme = (match[1] or match[2]).lower()
    return _ALIASES.get(scheme, scheme)


def is_local(url: str) -> bool:
    """Returns whether this is a local path or a file: URL."""
    return scheme_of(url) == ""


def is_web(url: str) -> bool:
    """Returns whether this is an http:// or https:// URL."""
    return scheme_of(url) in ("http", "https")


def local_path(url: str) -> str:
    """Returns the path of a local file: a path as it is, a file: URL (RFC 8089) decoded.

    Raises:
        UserError: The file: URL names another host.
    """
    if _SCHEME.match(url) is None:
        return url
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise UserError(f"{url} names the host {parts.netloc}; write file:///path, three slashes.")
    return unquote(parts.path, errors="surrogateescape")


def location(url: str) -> str:
    """Returns the canonical name of a file or folder, with links and Hadoop's scheme names resolved."""
    if is_local(url):
        return os.path.realpath(local_path(url))
    return f"{scheme_of(url)}://{url.partition('://')[2]}"


def join(url: str, *parts: str) -> str:
    """Appends names to a folder in any store: "s3://b/run/" and "pairs" make "s3://b/run/pairs"."""
    for part in parts:
        url = url.rstrip("/") + "/" + part.lstrip("/") if url else part
    return url


def bucket_and_key(url: str) -> tuple[str, str]:
    """Returns the bucket and the key of an s3:// or gs:// URL. The key is taken literally, never decoded.

    Raises:
        UserError: The URL has no bucket, or has credentials.
    """
    bucket, _, key = url.partition("://")[2].partition("/")
    if "@" in bucket or ":" in bucket:
        scheme = scheme_of(url)
        raise UserError(
            f"An address {scheme}://... has a key or a password in the place of its bucket; write "
            f"{scheme}://bucket/name and put credentials into a profile or the environment."
        )
    if not bucket:
        raise UserError(f"{url} names no bucket; write {scheme_of(url)}://bucket/name.")
    return bucket, key


def resolve(path: str, options: StorageOptions) -> str:
    """Returns the URL of an input: below `cc_base` for a path from Common Crawl's lists, else the path itself."""
    return join(options.cc_base, path) if path.startswith(CRAWL_PREFIX) else path
