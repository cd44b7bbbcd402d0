"""What there is to download, and how large it is."""

from __future__ import annotations

import pytest

from metaclip_curate.metadata.sources.fetch_plan import Download, describe, dump_sizes, parse_sums


def test_checksums_are_parsed() -> None:
    assert parse_sums(b"ab  x\ncd *y\n\n") == {"x": "ab", "y": "cd"}


@pytest.mark.parametrize(
    ("status", "sizes"),
    [
        (b'{"jobs": {"a": {"files": {"x": {"size": 3}, "y": {}}}, "b": {"status": "waiting"}}}', {"x": 3}),
        (b"{}", {}),
        (b"[]", {}),
        (b"<html>", {}),
        (b'{"jobs": {"a": {"files": {"x": 3}}}}', {}),
    ],
)
def test_sizes_are_parsed(status: bytes, sizes: dict[str, int]) -> None:
    assert dump_sizes(status) == sizes


def test_a_description() -> None:
    dump, unknown = Download("u", "dumps/x", None, 1000), Download("u", "dumps/y", None, None)
    hour = Download("u", "pageviews/z", None, None)
    assert describe([]) == "nothing"
    assert describe([dump, unknown]) == "2 files of dumps and wordnets, 1,000 bytes and 1 files of unknown size"
    assert describe([hour] * 960) == "960 hours of page views, about 48.0 GB"
