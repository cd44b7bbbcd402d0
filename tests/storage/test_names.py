"""Names, patterns and options."""

from __future__ import annotations

import dataclasses
import fnmatch
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions, is_local, join
from metaclip_curate.storage.globs import fixed_folder, pattern_of
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


@given(st.text("ab/.[]!?*-", max_size=8), st.text("ab/.-", max_size=8))
def test_without_slashes_patterns_are_fnmatchs(pattern: str, name: str) -> None:
    """With no slash in the name and no **, the shell's rules are those of the standard library."""
    name = name.replace("/", "")
    if "**" in pattern or "/" in pattern or "[" in pattern:
        return
    assert bool(pattern_of(pattern).fullmatch(name)) == fnmatch.fnmatchcase(name, pattern)


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*/a", ["x/a"], ["a", "x/y/a"]),
        ("**/a", ["a", "x/a", "x/y/a"], ["xa"]),
        ("x/**", ["x/a", "x/y/a"], ["y/x/a"]),
        ("[a-c]?.wat", ["a1.wat"], ["d1.wat", "a/.wat"]),
        ("[!a].gz", ["b.gz"], ["a.gz", "^.gz.gz"]),
        ("[.gz", ["[.gz"], ["a.gz"]),
        ("a+(b)", ["a+(b)"], ["aab"]),
    ],
)
def test_patterns(pattern: str, matching: list[str], other: list[str]) -> None:
    assert all(pattern_of(pattern).fullmatch(name) for name in matching)
    assert not any(pattern_of(pattern).fullmatch(name) for name in other)


def test_fixed_folder() -> None:
    assert fixed_folder("s3://b/x/y*/z") == "s3://b/x/"
    assert fixed_folder("s3://b/*") == "s3://b/"


def test_options_travel_and_explain_themselves() -> None:
    options = StorageOptions(s3_endpoint_url="http://127.0.0.1:1", max_attempts=2)
    assert pickle.loads(pickle.dumps(options)) == options
    assert hash(options) == hash(dataclasses.replace(options))
    assert all(field.metadata["help"] for field in dataclasses.fields(StorageOptions))


@pytest.mark.parametrize("wrong", [0.0, -0.0, -1.0, math.nan, math.inf, -math.inf, 86_400.1, 1e300])
def test_read_timeouts_out_of_range(wrong: float) -> None:
    with pytest.raises(UserError, match=r"--read-timeout is .*; give seconds above 0, at most 86,400\."):
        StorageOptions(read_timeout=wrong)


def test_other_options_out_of_range() -> None:
    for attempts in (0, -1, 1001, 10**30):
        with pytest.raises(UserError, match=f"--max-attempts is {attempts}; give a number from 1 to 1,000"):
            StorageOptions(max_attempts=attempts)
    with pytest.raises(UserError, match="--cc-base is empty"):
        StorageOptions(cc_base="")
    for endpoint in ("//user:SECRET@h", "user:SECRET@h:1", "ftp://h"):
        with pytest.raises(UserError, match="--s3-endpoint-url is no address; write"):
            StorageOptions(s3_endpoint_url=endpoint)
