"""A run that is read must be finished, each stage from the one before."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import MatchPart
from metaclip_curate.storage import StorageOptions
from tests.support import made_run


def open_run(root: Path, stage: str) -> FinishedRun:
    return FinishedRun(str(root), stage, StorageOptions(), RunOptions())


def test_the_stages_up_to_the_one_that_is_needed_must_be_finished(tmp_path: Path) -> None:
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=10, seed=1))
    assert open_run(tmp_path / "run", "sample").folder.root == str(tmp_path / "run")
    RunFolder(str(tmp_path / "run")).discard("balance")
    open_run(tmp_path / "run", "count")
    with pytest.raises(UserError, match="no finished stage balance: run `metaclip-curate balance"):
        open_run(tmp_path / "run", "sample")


def test_a_stage_that_is_older_than_what_it_was_made_from(tmp_path: Path) -> None:
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=10, seed=1))
    folder = RunFolder(str(tmp_path / "run"))
    # As a run that has grown: pairs were matched, and the run died before it counted them.
    folder.commit_part("match", "00009-00000", MatchPart(languages={}))
    open_run(tmp_path / "run", "match")
    with pytest.raises(UserError, match="stage count that was made from another match"):
        open_run(tmp_path / "run", "count")
