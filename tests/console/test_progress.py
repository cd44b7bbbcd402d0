"""Bars, rates and times of a long step."""

from __future__ import annotations

import pytest

from metaclip_curate.console.file_reports import FileReport
from metaclip_curate.console.progress import FileProgress, bar, duration, file_line, rate, time_left
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("done", "all_of_them", "drawn"),
    [
        (0, 0, "[>...................]"),
        (0, 7, "[>...................]"),
        (5, 10, "[==========>.........]"),
        (999, 1000, "[===================>]"),
        (7, 7, "[====================]"),
    ],
)
def test_bars_are_full_only_at_the_end(done: int, all_of_them: int, drawn: str) -> None:
    assert bar(done, all_of_them) == drawn


def test_a_rate_and_a_time_need_enough_work(clock: Clock) -> None:
    progress = FileProgress(1_200, clock)
    assert str(progress) == "[>...................] 0 of 1,200 files, 0 pairs"
    clock.now += 1
    progress.add(FileReport("a", 30_000, finished=False))
    assert str(progress) == "[>...................] 0 of 1,200 files, 30,000 pairs"
    clock.now += 19
    progress.add(FileReport("a", 50_000, finished=True))
    assert str(progress) == "[>...................] 1 of 1,200 files, 50,000 pairs, 2,500 pairs/s"
    progress.add(FileReport("b", 10_000, finished=False))
    progress.add(FileReport("b", 4_000, finished=False))  # another task began it again
    assert str(progress) == "[>...................] 1 of 1,200 files, 54,000 pairs, 2,700 pairs/s"
    progress.add(FileReport("b", 10_000, finished=True))
    progress.add(FileReport("c", 0, finished=True))
    assert (
        str(progress) == "[>...................] 3 of 1,200 files, 60,000 pairs, 3,000 pairs/s, about 2 h 13 min left"
    )


def test_the_pairs_of_a_files_parts_are_added_and_the_file_is_counted_once(clock: Clock) -> None:
    progress = FileProgress(1, clock)
    progress.add(FileReport("a", 10, finished=True, part=0))
    progress.add(FileReport("a", 5, finished=False, part=1))
    assert str(progress) == "[>...................] 0 of 1 files, 15 pairs"
    progress.add(FileReport("a", 25, finished=True))
    assert str(progress) == "[====================] 1 of 1 files, 25 pairs"


def test_nothing_is_left_at_the_end(clock: Clock) -> None:
    progress = FileProgress(3, clock)
    clock.now += 20
    for name in "abc":
        progress.add(FileReport(name, 10, finished=True))
    assert str(progress) == "[====================] 3 of 3 files, 30 pairs, 1.5 pairs/s"


@pytest.mark.parametrize(
    ("done", "seconds", "expected"),
    [
        (2, 0.000014, []),  # 142,857 a second
        (2, 100, []),
        (100, 4.9, []),
        (3, 5, ["36 tasks/min"]),
        (712_149, 5, ["140,000 tasks/s"]),
        (17, 5, ["3.4 tasks/s"]),
        (10, 5, ["2.0 tasks/s"]),
        (99_600, 1_000, ["100 tasks/s"]),
        (3, 400, ["27 tasks/h"]),
    ],
)
def test_a_rate_has_two_digits_in_the_unit_that_fits(done: int, seconds: float, expected: list[str]) -> None:
    assert rate(done, seconds, "tasks") == expected


@pytest.mark.parametrize(
    ("done", "remaining", "seconds", "expected"),
    [
        (2, 1, 60, []),
        (10, 10, 4, []),
        (10, 0, 60, []),
        (100, 1, 60, ["less than 10 s left"]),
        (10, 4, 60, ["about 20 s left"]),
        (10, 6, 95, ["about 1 min left"]),
        (10, 60, 60, ["about 6 min left"]),
    ],
)
def test_the_time_that_is_left(done: int, remaining: int, seconds: float, expected: list[str]) -> None:
    assert time_left(done, remaining, seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.5, "1 min"),
        (90.1, "2 min"),
        (3_569, "59 min"),
        (3_571, "1 h 00 min"),
        (7_500, "2 h 05 min"),
        (400_000, "111 h 07 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("status", "error", "line"),
    [
        ("ok", "", "a.wat.gz: ok, 1,683 pairs in 0.8 s"),
        ("partial", "it breaks off", "a.wat.gz: partial, 1,683 pairs in 0.8 s (it breaks off)"),
        ("failed", "HTTP 404", "a.wat.gz: failed: HTTP 404"),
    ],
)
def test_the_line_of_a_file(status: str, error: str, line: str) -> None:
    assert file_line("a.wat.gz", status, error, 1683, 0.84) == line
