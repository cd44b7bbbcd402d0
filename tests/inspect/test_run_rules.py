"""A text is compared with a run's entries as the run compared its texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.inspect.run_rules import RunRules
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.run.folder import RunFolder
from tests.support import made_run


@pytest.mark.parametrize(("normalize", "found"), [("nfc", [3]), ("none", [])])
def test_a_text_is_normalised_as_in_the_run(tmp_path: Path, normalize: str, found: list[int]) -> None:
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=50, seed=7), normalize=normalize)
    rules = RunRules(RunFolder(str(tmp_path / "run")), ExplainOptions(text="any"))
    assert rules.contained_entries("an en entry 3, seen", "en") == [3]
    assert rules.contained_entries("an en\u00a0en\u00adtry 3, seen", "en") == found


def test_another_metadata_folder_is_refused_although_the_run_has_the_entries(tmp_path: Path) -> None:
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=50, seed=7))
    folder = RunFolder(str(tmp_path / "run"))
    with pytest.raises(UserError, match="nowhere does not exist"):
        RunRules(folder, ExplainOptions(text="any", metadata=str(tmp_path / "nowhere")))
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "en.txt").write_text("another entry\n")
    rules = RunRules(folder, ExplainOptions(text="any", metadata=str(tmp_path / "lists")))
    with pytest.raises(UserError, match=r"en\.txt isn't what .* was matched with: its digest is"):
        rules.contained_entries("an en entry 3, seen", "en")
