"""metaclip-curate report, and the report at the end of a run."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.cli import main
from metaclip_curate.options.report import ReportOptions
from metaclip_curate.pipelines import passes, report
from metaclip_curate.report import figures
from metaclip_curate.run.folder import RunFolder
from tests.support.finished_runs import contents

pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture
def run(real: Path, tmp_path: Path) -> Path:
    """A copy of the run over the input that ships, without a report."""
    copied = tmp_path / "run"
    shutil.copytree(real, copied, ignore=shutil.ignore_patterns("report.html", "figures"))
    return copied


def test_a_report_of_a_run_is_the_same_twice(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "figures").mkdir()
    (run / "figures" / "mine.png").write_bytes(b"of the user's")
    before = contents(run)
    (run / "figures" / "kept-by-t-xx.png").write_bytes(b"of an earlier report")
    assert main(["report", "--run", str(run), "--figure-languages", "en"]) == 0
    assert "report.html" in capsys.readouterr().out
    assert not (run / "figures" / "kept-by-t-xx.png").exists()
    first = contents(run)
    assert before.items() <= first.items()
    new = first.keys() - before.keys()
    assert "report.html" in new
    if figures.converter():
        assert {"figures/kept-by-t.png", "figures/kept-by-t-en.png"} <= new
    page = first["report.html"].decode()
    summary = json.loads(first["run.json"])["stages"]
    links = summary["extract"]["summary"]["image_links"]
    for number in (links, summary["extract"]["summary"]["pairs"], summary["sample"]["summary"]["pairs"]):
        assert f'<td class="number">{number:,}</td>' in page
    assert report.is_current(RunFolder(str(run)))
    assert main(["report", "--run", str(run), "--figure-languages", "en"]) == 0
    assert contents(run) == first


def test_a_run_that_has_only_begun(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "converter", lambda: None)
    RunFolder(str(run)).discard("match")
    assert main(["report", "--run", str(run)]) == 0
    assert "pip install --editable '.[report]'" in capsys.readouterr().out
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "the stage match isn&#39;t finished" in page
    assert "Image hosts of distinct pairs" in page
    assert not re.search(r"<svg|vegaEmbed=", page)
    assert not (run / "figures").exists()


def test_a_small_run_needs_no_session(run: Path) -> None:
    files = report.write_report(RunFolder(str(run)), lambda: pytest.fail("a session was started"), ReportOptions())
    assert files[-1] == "report.html"


def test_what_goes_wrong_does_not_lose_the_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "MOST_ROWS_HERE", 0)

    def broken() -> Any:
        raise RuntimeError("no more memory\nand more lines")

    told: list[str] = []
    before = contents(run)
    report.write_after_run(RunFolder(str(run)), broken, ReportOptions(), told.append)
    assert contents(run) == before
    assert "not written (no more memory); the run is complete" in told[-1]
    report.write_after_run(RunFolder(str(run)), broken, ReportOptions(no_report=True), told.append)
    assert len(told) == 2 + (figures.converter() is None)


def test_a_run_without_a_finished_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--run", str(tmp_path)]) == 2
    assert "has no finished stage extract" in capsys.readouterr().err
