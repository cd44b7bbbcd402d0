"""Log lines with their times, and the line of status below them."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TextIO, cast

import pytest

from metaclip_curate.console.status_line import StatusLine
from metaclip_curate.console.terminal import Console
from tests.support.clock import Clock

TIME, DATE_AND_TIME = "14:03:22", "2026-03-01 14:03:22"


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


def status_line(stream: TextIO, clock: Clock, plain_seconds: float = 30) -> StatusLine:
    return StatusLine(stream, clock, lambda: datetime(2026, 3, 1, 14, 3, 22), plain_seconds)


def test_a_terminals_status_is_rewritten_below_the_log(clock: Clock) -> None:
    terminal = Terminal()
    line = status_line(terminal, clock)
    line.status("1 of 3 files")
    assert terminal.screen() == ["1 of 3 files"]
    line.status("2 of 3")
    assert terminal.screen() == ["2 of 3"]
    line.log("a: ok")
    assert terminal.screen() == [f"{TIME} a: ok", "2 of 3"]
    line.log("b: ok")
    line.status("")
    assert terminal.screen() == [f"{TIME} a: ok", f"{TIME} b: ok", ""]


def test_a_terminals_status_never_wraps(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    line = status_line(terminal, clock)
    line.status("x" * 30)
    line.status("y" * 30)
    assert terminal.screen() == ["y" * 19]
    line.log("z" * 30)
    assert terminal.screen() == [f"{TIME} {'z' * 30}", "y" * 19]


def test_a_status_of_wide_characters_never_wraps(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    line = status_line(terminal, clock)
    line.status("猫" * 30)
    assert terminal.screen() == ["猫" * 9]


@pytest.mark.parametrize("wrapped", [False, True])
def test_lines_are_escaped_and_the_status_is_rewritten_all_the_same(clock: Clock, wrapped: bool) -> None:
    terminal = Terminal()
    line = status_line(cast(TextIO, Console(terminal)) if wrapped else terminal, clock)
    line.status("1\x1b[A")
    line.log("a\r\nforged: ok\u202e")
    line.status("2")
    assert terminal.screen() == [TIME + r" a\r\nforged: ok\u202e", "2"]


def test_elsewhere_the_status_is_a_plain_line_once_in_a_while(clock: Clock) -> None:
    stream = io.StringIO()
    line = status_line(stream, clock)
    for second in range(100):
        clock.now = 1000.0 + second
        line.status(f"after {second} s")
        if second == 50:
            line.log("a log line at any time")
    line.status("")
    lines = ["after 30 s", "a log line at any time", "after 60 s", "after 90 s"]
    assert stream.getvalue().splitlines() == [f"{DATE_AND_TIME} {line}" for line in lines]


def test_every_line_is_flushed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream:
        line = status_line(stream, Clock(), plain_seconds=0)
        line.log("a")
        line.status("b")
        assert path.read_text() == f"{DATE_AND_TIME} a\n{DATE_AND_TIME} b\n"


def test_threads_do_not_mix_their_lines() -> None:
    terminal = Terminal()
    line = status_line(terminal, Clock())
    with ThreadPoolExecutor(4) as pool:
        for number in range(200):
            pool.submit(line.log, f"line {number}")
            pool.submit(line.status, f"status {number}")
    line.status("")
    assert sorted(terminal.screen()[:-1]) == sorted(f"{TIME} line {number}" for number in range(200))
