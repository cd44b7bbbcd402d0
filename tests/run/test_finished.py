"""A run that is read must be finished, each stage from the one before."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.run.finished import finished_stages, open_finished
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import MatchPart
from metaclip_curate.run.stages import STAGES
from metaclip_curate.storage import StorageOptions
from tests.support import made_run


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A finished run without a table of pairs."""
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=10, seed=1))
    return str(tmp_path / "run")


def test_the_stages_up_to_the_required_one_must_be_finished(root: str) -> None:
    assert open_finished(root, "sample", StorageOptions()).root == root
    assert finished_stages(RunFolder(root)) == STAGES
    RunFolder(root).discard("balance")
    open_finished(root, "count", StorageOptions())
    assert finished_stages(RunFolder(root)) == ("extract", "dedup", "match", "count")
    with pytest.raises(UserError, match="no finished stage balance: run `metaclip-curate balance"):
        open_finished(root, "sample", StorageOptions())


def test_a_stage_that_is_older_than_what_it_was_computed_from(root: str) -> None:
    # As in a run that has grown: pairs were matched, and the run died before it counted them.
    RunFolder(root).commit_part("match", "00009-00000", MatchPart(languages={}))
    open_finished(root, "match", StorageOptions())
    assert finished_stages(RunFolder(root)) == ("extract", "dedup", "match")
    with pytest.raises(UserError, match="stage count that was made from another match"):
        open_finished(root, "count", StorageOptions())


def test_while_another_run_writes_the_folder_one_waits(root: str) -> None:
    RunFolder(root).commit_part("match", "00009-00000", MatchPart(languages={}))
    writing = RunFolder(root)
    with writing.owned():
        writing.require_owner()
        with pytest.raises(UserError, match=r"another match than is there now: process \d+ on .*: wait until it has"):
            open_finished(root, "count", StorageOptions())
        writing.discard("balance")
        with pytest.raises(UserError, match=r"no finished stage balance: process \d+ on .*: wait until it has ended"):
            RunFolder(root).require("balance")
    with pytest.raises(UserError, match="run `metaclip-curate count"):
        open_finished(root, "count", StorageOptions())
