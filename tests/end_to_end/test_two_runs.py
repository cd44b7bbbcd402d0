"""Of two runs on one folder the second is refused; the folder of one that died is the next one's at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.options.report import ReportOptions
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.pipelines.report import write_report
from metaclip_curate.run.file_list import FileList
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.owner import Listener, Pulse, RunOwner
from metaclip_curate.run.process_identity import ProcessIdentity
from metaclip_curate.run.record import ExtractPart
from metaclip_curate.run.summaries import ExtractSummary
from metaclip_curate.run.tables import write_part
from metaclip_curate.storage import StorageOptions
from tests.support import runs

ELSEWHERE = ProcessIdentity("another-host", "another boot", 4711, 12)


def tokens(folder: Path) -> list[Path]:
    return sorted(folder.glob("run.owner-*.json"))


def make_old(folder: Path) -> None:
    for path in tokens(folder):
        os.utime(path, (time.time() - 400, time.time() - 400))


def folder_of(root: Path, lines: list[str] | None = None, process: ProcessIdentity | None = None) -> RunFolder:
    """A run folder whose owner makes no heartbeats of its own while a test runs."""
    told: list[str] = [] if lines is None else lines
    owner = RunOwner(str(root), StorageOptions(), "", Listener(told.append), Pulse(interval=3600.0), process)
    return RunFolder(str(root), None, owner)


def test_a_change_makes_an_owner_until_its_end(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    with folder.owned():
        folder.begin("extract", {}, "")
        assert len(tokens(tmp_path)) == 1
        folder.commit_part("extract", "00000", ExtractPart(files=1))
        assert len(tokens(tmp_path)) == 1
    assert tokens(tmp_path) == []
    folder.finish("extract", ExtractSummary(files=1))  # alone it is a block of its own
    assert tokens(tmp_path) == []
    assert RunFolder(str(tmp_path)).summary(ExtractSummary) == ExtractSummary(files=1)


def test_a_reader_is_no_owner(tmp_path: Path) -> None:
    with (writer := folder_of(tmp_path)).owned():
        writer.begin("extract", {}, "")
        writer.finish("extract", ExtractSummary(files=1))
        reader = RunFolder(str(tmp_path))
        with reader.owned():
            assert reader.require("extract")
        assert len(tokens(tmp_path)) == 1
        writer.discard("extract")


def test_the_second_changes_nothing(tmp_path: Path) -> None:
    with (first := folder_of(tmp_path)).owned():
        first.begin("extract", {}, "")
        write_part(first, "inputs", "00000", pa.table({"path": ["a"]}))
        first.commit_part("extract", "00000", ExtractPart(files=1))
        before = files(tmp_path)
        changes: list[Callable[[RunFolder], None]] = [
            lambda folder: folder.discard("extract"),
            lambda folder: folder.begin("extract", {}, "another"),
            lambda folder: folder.finish("extract", ExtractSummary(files=1)),
        ]
        for change in changes:
            second = folder_of(tmp_path)
            with pytest.raises(UserError, match=f"{tmp_path} is being written by process {os.getpid()} on "):
                change(second)
        assert files(tmp_path) == before
        first.finish("extract", ExtractSummary(files=1))


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path not in tokens(folder)}


def test_two_pipelines_of_one_process_are_two_runs(tmp_path: Path, mini_wats: list[Path]) -> None:
    first, second = (Pipeline(runs.options(tmp_path / "run", mini_wats, tmp_path)) for _ in range(2))
    with first.owned():
        first.folder.begin("extract", {}, "")
        with pytest.raises(UserError, match="is being written by"):
            second.extract()
    assert tokens(tmp_path / "run") == []


def test_after_a_takeover_nothing_is_saved(tmp_path: Path) -> None:
    lines: list[str] = []
    sleeper = folder_of(tmp_path, process=ELSEWHERE)
    with sleeper.owned():
        sleeper.begin("extract", {}, "")
        make_old(tmp_path)
        successor = folder_of(tmp_path, lines)
        with successor.owned():
            successor.commit_part("extract", "00000", ExtractPart(files=1))
            with pytest.raises(JobFailedError, match="saves nothing more"):
                sleeper.commit_part("extract", "00001", ExtractPart(files=1), FileList({}))
            with pytest.raises(JobFailedError, match="saves nothing more"):
                write_part(sleeper, "inputs", "00001", pa.table({"path": ["a"]}))
            with pytest.raises(JobFailedError, match="saves nothing more"):
                sleeper.finish("extract", ExtractSummary(files=1))
            successor.commit_part("extract", "00002", ExtractPart(files=1))
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert list(RunFolder(str(tmp_path)).parts("extract")) == ["00000", "00002"]
    [line] = lines
    assert line.startswith(f"run folder: {tmp_path} is taken over from process 4711 on another-host, which has not ")


def test_a_save_that_slept_after_its_check_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is checked before run.json is written; if the run sleeps for minutes between the two, others go on."""
    sleeper = folder_of(tmp_path, process=ELSEWHERE)
    with sleeper.owned():
        sleeper.begin("extract", {}, "")

        def sleep(*given: Any) -> Any:
            monkeypatch.undo()
            make_old(tmp_path)
            folder_of(tmp_path).commit_part("extract", "00000", ExtractPart(files=1))
            return real(*given)

        real = storage.replace_file
        monkeypatch.setattr(storage, "replace_file", sleep)
        with pytest.raises(JobFailedError, match=r"run\.json was written by another run"):
            sleeper.commit_part("extract", "00001", ExtractPart(files=1))
    assert list(RunFolder(str(tmp_path)).parts("extract")) == ["00000"]


def test_a_run_that_looked_before_another_wrote_starts_again(tmp_path: Path) -> None:
    late = folder_of(tmp_path)
    folder_of(tmp_path).begin("extract", {}, "")
    with pytest.raises(JobFailedError, match="start it again"):
        late.begin("extract", {}, "")
    folder_of(tmp_path).begin("extract", {}, "")


def test_a_report_needs_the_folder(tmp_path: Path) -> None:
    with (first := folder_of(tmp_path)).owned():
        first.begin("extract", {}, "")
        first.finish("extract", ExtractSummary(files=1))
        first.begin("match", {}, first.fingerprint("extract"))
        with pytest.raises(UserError, match="is being written by"):
            write_report(folder_of(tmp_path), pytest.fail, ReportOptions(), lambda line: None)
