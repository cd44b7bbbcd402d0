"""Pageviews files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.metadata.sources.page_view_sites import page_view_sites
from metaclip_curate.metadata.sources.titles import TITLES, PageViewsStats, check_stats, read_page_views
from metaclip_curate.options.page_views import ViewRule
from metaclip_curate.storage import StorageOptions

LINES = [
    (b"en Dog 3 0", ("en", "Dog", 3)),
    (b"en.m Dog 4 0", ("en", "Dog", 4)),
    (b"simple Old_dog 2 17", ("simple", "Old dog", 2)),
    (b"de.b Hund 2 0", "other_projects"),
    (b"de.d Hund 2 0", "other_projects"),
    (b"de.m.d Hund 2 0", "other_projects"),
    (b"commons.m Dog 2 0", "other_projects"),
    (b"en File:Dog.jpg 3 0", "with_colon"),
    (b"en Cat 0 0", "without_views"),
    (b"en Cat 00 0", "without_views"),
    (b"en Dog 3", "malformed"),
    (b"en Dog and cat 3 0", "malformed"),
    (b"en Dog many 0", "malformed"),
    (b"en Dog -3 0", "malformed"),
    (b"en  3 0", "malformed"),
    (b"en \xff\xfe 3 0", "malformed"),
    (b'en "Quoted 1 0', ("en", '"Quoted', 1)),
    (b"be-tarask \xd0\x9a_\xd0\x90 5 0", ("be_x_old", "К А", 5)),
    (b"zh-yue \xe7\x8b\x97 1 0", ("zh_yue", "狗", 1)),
]


def read(path: Path, **rules: ViewRule) -> tuple[PageViewsStats, list[tuple[Any, ...]]]:
    stats = PageViewsStats(str(path))
    batches = list(read_page_views(str(path), page_view_sites(rules), StorageOptions(), stats))
    assert all(batch.schema == TITLES for batch in batches)
    return stats, [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def sums(stats: PageViewsStats) -> int:
    assert stats.used == sum(stats.used_of.values())
    left_out = stats.malformed + stats.other_projects + stats.mobile + stats.with_colon + stats.without_views
    return stats.used + left_out + stats.below_hourly_minimum


@pytest.mark.parametrize("packed", [True, False])
def test_every_line_is_accounted_for(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / ("pageviews.gz" if packed else "pageviews")
    data = b"\n".join(line for line, _ in LINES) + b"\n"
    path.write_bytes(gzip.compress(data) if packed else data)
    stats, rows = read(path)
    assert rows == [meaning for _, meaning in LINES if isinstance(meaning, tuple)]
    assert (stats.status, stats.lines, sums(stats)) == ("ok", len(LINES), len(LINES))
    for reason in ("malformed", "other_projects", "with_colon", "without_views"):
        assert getattr(stats, reason) == sum(meaning == reason for _, meaning in LINES), reason


def test_only_the_desktop_site(tmp_path: Path) -> None:
    path = tmp_path / "pageviews"
    path.write_bytes(b"en Dog 3 0\nen.m Dog 4 0\nen.zero Cat 1 0\nde.m Hund 2 0\nbe-x-old \xd0\x9a 1 0\n")
    stats, rows = read(path, en=ViewRule("desktop"), be=ViewRule("desktop"))
    assert rows == [("en", "Dog", 3), ("de", "Hund", 2), ("be_x_old", "К", 1)]
    assert (stats.mobile, stats.used_of) == (2, {"en": 1, "de": 1, "be_x_old": 1})


def test_titles_below_the_hourly_minimum_do_not_count(tmp_path: Path) -> None:
    """A title's views of an hour are those of all lines and sites that count, of each Wikipedia by itself."""
    path = tmp_path / "pageviews"
    lines = [b"zh A 50 0", b"zh B 49 0", b"zh C 30 0", b"zh _C 1 0", b"zh.m C 19 0", b"zh.m D 9 0"]
    lines += [b"zh-yue A 50 0", b"zh-yue B 49 0", b"de Hund 1 0"]
    path.write_bytes(b"\n".join(lines))
    stats, rows = read(path, zh=ViewRule("all", 50))
    assert sorted(rows) == [("de", "Hund", 1), ("zh", "A", 50), ("zh", "C", 50), ("zh_yue", "A", 50)]
    assert (stats.used_of, stats.below_hourly_minimum) == ({"de": 1, "zh": 4, "zh_yue": 1}, 3)
    assert sums(stats) == stats.lines == len(lines)
    stats, rows = read(path, zh=ViewRule("desktop", 50))
    assert sorted(rows) == [("de", "Hund", 1), ("zh", "A", 50), ("zh_yue", "A", 50)]
    assert (stats.mobile, stats.below_hourly_minimum, sums(stats)) == (2, 4, len(lines))


def test_a_file_of_no_wikipedia_is_reported(tmp_path: Path) -> None:
    path, logged = tmp_path / "pageviews", list[str]()
    path.write_bytes(b"de.b Hund 2 0\nxx Dog 3 0\nde Hund\n")
    check_stats({**read(path)[0].as_dict(), "file": "pageviews-1"}, logged.append)
    assert "titles: pageviews-1: none of 3 lines has the code of a Wikipedia" in logged
    path.write_bytes(b"de Talk:Hund 2 0\n")
    logged.clear()
    check_stats({**read(path)[0].as_dict(), "file": "pageviews-1"}, logged.append)
    assert logged == []


def test_a_file_that_breaks_off_keeps_what_is_before(tmp_path: Path) -> None:
    data = b"".join(b"en T%d 1 0\n" % number for number in range(50_000))
    packed = gzip.compress(data)
    path = tmp_path / "pageviews.gz"
    path.write_bytes(packed[: len(packed) // 2])
    stats, rows = read(path)
    assert stats.status == "partial"
    assert stats.error == "its end is missing"
    assert 10_000 < len(rows) < 40_000
    assert rows == [("en", f"T{number}", 1) for number in range(len(rows))]
    assert sums(stats) == stats.lines


@pytest.mark.parametrize("damage", ["checksum", "no gzip", "empty", "header only", "missing"])
def test_a_damaged_file_has_failed(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "pageviews.gz"
    packed = bytearray(gzip.compress(b"en Dog 3 0\n" * 1000))
    packed[-8] ^= 1
    contents = {"checksum": bytes(packed), "no gzip": b"en Dog 3 0\n", "empty": b"", "header only": bytes(packed[:5])}
    if damage != "missing":
        path.write_bytes(contents[damage])
    stats, _ = read(path)
    assert stats.status == "failed"
    assert stats.error


def test_an_hour_without_a_view(tmp_path: Path) -> None:
    path = tmp_path / "pageviews.gz"
    path.write_bytes(gzip.compress(b""))
    assert read(path) == (PageViewsStats(str(path)), [])


@pytest.mark.slow
@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b"")), max_size=20))
def test_any_bytes_are_accounted_for(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("any") / "pageviews"
    path.write_bytes(b"\n".join([*lines, b"en Dog 3 0", b""]))
    stats, rows = read(path)
    assert rows[-1:] == [("en", "Dog", 3)]
    assert stats.status == "ok"
    assert stats.lines == sums(stats) == sum(line != b"" for line in lines) + 1
