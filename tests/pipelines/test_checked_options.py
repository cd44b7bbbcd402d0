"""The options that a run folder is held to."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.pipelines.checked_options import CheckedOptions
from metaclip_curate.pipelines.removal import Remover
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.screens.removed import Removal
from tests.support import runs


def no_session() -> NoReturn:
    raise AssertionError("a session was started")


def checked(tmp_path: Path, folder: RunFolder) -> CheckedOptions:
    lists = tmp_path / "lists"
    lists.mkdir(exist_ok=True)
    (lists / "en.txt").write_text("cat\n")
    return CheckedOptions(runs.options(tmp_path / "run", [], lists), folder, no_session)


def test_a_run_with_another_language_table_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    options = checked(tmp_path, folder).match()
    folder.begin("match", options | {"language_table_digest": "0" * 64}, "")
    with pytest.raises(UserError, match=r"a --language-table with the digest 0{64}, and the command says"):
        checked(tmp_path, folder).match()


def test_a_removal_lets_match_be_done_again_and_nothing_after_it_before(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    options = checked(tmp_path, folder)
    assert options.knows_removals()
    folder.begin("match", options.match(), "")
    assert options.knows_removals()
    options.require_removals("count")
    Remover(folder, lambda line: None).remove([Removal("host", "a.org")], "asked for", purge=False)
    assert not options.knows_removals()
    with pytest.raises(UserError, match=r"pairs were removed from .* run `metaclip-curate match --output"):
        options.require_removals("count")
    # The other options are still held to those of the run.
    assert options.match()["removed_digest"] == folder.removed_digest != ""
    folder.forget("match")
    folder.begin("match", options.match(), "")
    assert options.knows_removals()
    options.require_removals("count")
