"""Reports about input files, from workers to the driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.console.file_reports import FileReport, Reporter, Reports, reports_file
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
