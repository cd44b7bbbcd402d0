"""The options that a run folder is held to."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.pipelines.checked_options import CheckedOptions
from metaclip_curate.run.folder import RunFolder
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
