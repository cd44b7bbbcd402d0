"""What an export refuses before a session is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.options.export import ExportOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.export import export
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.storage import StorageOptions
from tests.support import made_run


@pytest.mark.parametrize("output", ["mine", "mine/below"])
def test_a_file_in_place_of_the_folder(tmp_path: Path, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=10, seed=1))
    (tmp_path / "mine").write_text("mine")
    run = FinishedRun(str(tmp_path / "run"), "balance", StorageOptions(), RunOptions())
    monkeypatch.setattr(
        "metaclip_curate.pipelines.finished_run.get_session", lambda _: pytest.fail("a session started")
    )
    with pytest.raises(UserError, match=f"^{tmp_path}/mine is a file and not a folder: name another one$"):
        export(run, ExportOptions(output=str(tmp_path / output)))
