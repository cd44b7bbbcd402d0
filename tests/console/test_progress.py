"""What a person sees while a long step is under way."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO, cast

import pytest

from metaclip_curate.console.progress import (
    FileProgress,
    FileReport,
    Reporter,
    Reports,
    StatusLine,
    bar,
    duration,
    file_line,
    reports_file,
)
from metaclip_curate.console.terminal import Console


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A terminal of one line: what stands there at last, and the lines above."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        lines = []
        for written in self.getvalue().split("\n"):
            line: list[str] = []
            at = 0
            for character in written:
                if character == "\r":
                    at = 0
                    continue
                line[at : at + 1] = character
                at += 1
            lines.append("".join(line).rstrip())
        return lines


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_terminals_status_is_rewritten_below_the_log(clock: Clock) -> None:
    terminal = Terminal()
    line = StatusLine(terminal, clock)
    line.status("1 of 3 files")
    assert terminal.screen() == ["1 of 3 files"]
    line.status("2 of 3")
    assert terminal.screen() == ["2 of 3"]
    line.log("a: ok")
    assert terminal.screen() == ["a: ok", "2 of 3"]
    line.log("b: ok")
    line.status("")
    assert terminal.screen() == ["a: ok", "b: ok", ""]


def test_a_terminals_status_never_wraps(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    line = StatusLine(terminal, clock)
    line.status("x" * 30)
    line.status("y" * 30)
    assert terminal.screen() == ["y" * 19]
    line.log("z" * 30)
    assert terminal.screen() == ["z" * 30, "y" * 19]


@pytest.mark.parametrize("wrapped", [False, True])
def test_lines_are_escaped_and_the_status_is_rewritten_all_the_same(clock: Clock, wrapped: bool) -> None:
    terminal = Terminal()
    line = StatusLine(cast(TextIO, Console(terminal)) if wrapped else terminal, clock)
    line.status("1\x1b[A")
    line.log("a\r\nforged: ok\u202e")
    line.status("2")
    assert terminal.screen() == [r"a\r\nforged: ok\u202e", "2"]


def test_elsewhere_the_status_is_a_plain_line_once_in_a_while(clock: Clock) -> None:
    stream = io.StringIO()
    line = StatusLine(stream, clock, plain_seconds=30)
    for second in range(100):
        clock.now = 1000.0 + second
        line.status(f"after {second} s")
        if second == 50:
            line.log("a log line at any time")
    line.status("")
    assert stream.getvalue().splitlines() == ["after 30 s", "a log line at any time", "after 60 s", "after 90 s"]


def test_every_line_is_flushed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream:
        line = StatusLine(stream, plain_seconds=0)
        line.log("a")
        line.status("b")
        assert path.read_text() == "a\nb\n"


def test_threads_do_not_mix_their_lines() -> None:
    terminal = Terminal()
    line = StatusLine(terminal)
    with ThreadPoolExecutor(4) as pool:
        for number in range(200):
            pool.submit(line.log, f"line {number}")
            pool.submit(line.status, f"status {number}")
    line.status("")
    assert sorted(terminal.screen()[:-1]) == sorted(f"line {number}" for number in range(200))


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


def test_files_pairs_rate_and_time_left(clock: Clock) -> None:
    progress = FileProgress(1_200, clock)
    assert str(progress) == "[>...................] 0 of 1,200 files, 0 pairs"
    clock.now += 10
    progress.add(FileReport("a", 30_000, finished=False))
    assert str(progress) == "[>...................] 0 of 1,200 files, 30,000 pairs, 3,000 pairs/s"
    clock.now += 10
    progress.add(FileReport("a", 50_000, finished=True))
    assert (
        str(progress) == "[>...................] 1 of 1,200 files, 50,000 pairs, 2,500 pairs/s, about 6 h 40 min left"
    )
    progress.add(FileReport("b", 10_000, finished=False))
    progress.add(FileReport("b", 4_000, finished=False))  # another task began it again
    assert str(progress).startswith("[>...................] 1 of 1,200 files, 54,000 pairs, 2,700 pairs/s")


def test_nothing_is_left_at_the_end(clock: Clock) -> None:
    progress = FileProgress(1, clock)
    clock.now += 2
    progress.add(FileReport("a", 10, finished=True))
    assert str(progress) == "[====================] 1 of 1 files, 10 pairs, 5 pairs/s"


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


def test_reports_reach_the_driver_each_once(clock: Clock) -> None:
    with reports_file() as file:
        reports = Reports(file)
        assert list(reports.new()) == []
        one, other = Reporter(str(file), clock), Reporter(str(file), clock)
        clock.now += 1
        one.report(FileReport("a\n\udcff", 5, finished=False))
        other.report(FileReport("b", 7, finished=True))
        assert list(reports.new()) == [FileReport("a\n\udcff", 5, finished=False), FileReport("b", 7, finished=True)]
        assert list(reports.new()) == []
        one.report(FileReport("a\n\udcff", 9, finished=True))
        assert list(reports.new()) == [FileReport("a\n\udcff", 9, finished=True)]
    assert not file.parent.exists()


def test_a_report_that_is_being_written_comes_later(clock: Clock) -> None:
    with reports_file() as file:
        reports = Reports(file)
        Reporter(str(file), clock).report(FileReport("a", 5, finished=True))
        whole = file.read_bytes()
        file.write_bytes(whole[:-4])
        assert list(reports.new()) == []
        file.write_bytes(whole)
        assert list(reports.new()) == [FileReport("a", 5, finished=True)]


def test_a_file_under_way_reports_once_a_second(clock: Clock) -> None:
    with reports_file() as file:
        reporter = Reporter(str(file), clock)
        for tenth in range(31):
            clock.now = 1000 + tenth / 10
            reporter.report(FileReport("a", tenth, finished=False))
        assert [report.pairs for report in Reports(file).new()] == [10, 20, 30]


@pytest.mark.parametrize("file", ["", "/no/such/folder/reports.jsonl"])
def test_a_worker_out_of_reach_tells_nothing(file: str) -> None:
    Reporter(file).report(FileReport("a", 5, finished=True))
    assert not Path("/no").exists()
