"""The report at the end of a run: a failure is logged, an interruption ends the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.console.interrupts import TerminatedError
from metaclip_curate.options.report import ReportOptions
from metaclip_curate.pipelines import report
from metaclip_curate.run.folder import RunFolder


def _write(folder: Path, error: Exception, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    def fail(folder: RunFolder) -> bool:
        raise error

    monkeypatch.setattr(report, "is_current", fail)
    lines: list[str] = []
    report.write_after_run(RunFolder(str(folder)), lambda: pytest.fail("no session"), ReportOptions(), lines.append)
    return lines


def test_an_interruption_is_raised_although_another_error_hides_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = RuntimeError("an answer of Java's was left unread")
    error.__context__ = TerminatedError()
    with pytest.raises(TerminatedError):
        _write(tmp_path, error, monkeypatch)


def test_any_other_error_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [line] = _write(tmp_path, RuntimeError("no more memory"), monkeypatch)
    assert "not written (no more memory); the run is complete" in line
