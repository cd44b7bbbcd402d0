"""Names of files and folders in every store."""

from __future__ import annotations

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions, is_local, join
from metaclip_curate.storage.urls import bucket_and_key, local_path, resolve, scheme_of


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("a/b.wat", ""),
        ("/a", ""),
        ("./s3/x", ""),
        ("file:///a", ""),
        ("file:/a", ""),
        ("HTTPS://x/y", "https"),
        ("s3://b/k", "s3"),
        ("s3a://b/k", "s3"),
        ("gcs://b/k", "gs"),
        ("hdfs://h:1/k", "hdfs"),
        ("a:b", ""),
        ("cc:CC-MAIN-2025-30", ""),
    ],
)
def test_scheme(url: str, scheme: str) -> None:
    assert scheme_of(url) == scheme
    assert is_local(url) == (scheme == "")


def test_local_path() -> None:
    assert local_path("a%20b") == "a%20b"
    assert local_path("file:///a%20b") == local_path("file://localhost/a%20b") == local_path("file:/a%20b") == "/a b"
    with pytest.raises(UserError, match="host"):
        local_path("file://a/b")


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (("out", "pairs"), "out/pairs"),
        (("out/", "/pairs/", "a"), "out/pairs/a"),
        (("/", "a"), "/a"),
        (("", "a"), "a"),
        (("s3://b", "k"), "s3://b/k"),
        (("s3://b/run/", "x", "y"), "s3://b/run/x/y"),
        (("s3://b",), "s3://b"),
    ],
)
def test_join(parts: tuple[str, ...], whole: str) -> None:
    assert join(*parts) == whole


def test_bucket_and_key() -> None:
    assert bucket_and_key("s3://b/a%20b?c#d/") == ("b", "a%20b?c#d/")
    assert bucket_and_key("s3://b") == ("b", "")
    with pytest.raises(UserError, match="bucket"):
        bucket_and_key("s3:///k")


def test_resolve() -> None:
    options = StorageOptions()
    assert resolve("crawl-data/a", options) == "https://data.commoncrawl.org/crawl-data/a"
    assert resolve("./crawl-data/a", options) == "./crawl-data/a"
    assert resolve("x/crawl-data/a", options) == "x/crawl-data/a"
