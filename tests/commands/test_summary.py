"""What a stage or a run prints at its end."""

from __future__ import annotations

import pytest

from metaclip_curate.commands.summary import print_summary, summaries
from metaclip_curate.options.stages import STAGE_NAMES
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import funnel
from metaclip_curate.storage import StorageOptions
from tests.support import made_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    root = tmp_path_factory.mktemp("summary") / "run"
    made_run.write_run(root, made_run.matched_rows(images=50, seed=7), t=20)
    return RunFolder(str(root), StorageOptions())


@pytest.mark.parametrize(
    ("stage", "parts"),
    [
        ("extract", ["image links", "unique pairs within each file", "inputs"]),
        ("dedup", ["unique pairs overall", "language label", "en", "distinct"]),
        ("match", ["unique pairs overall", "matched pairs", "language", "en"]),
        ("count", ["matched pairs", "entries of their languages", "counts"]),
        ("balance", ["tail share", "expected", "all", "thresholds"]),
    ],
)
def test_every_stage_ends_with_its_result(
    folder: RunFolder, capsys: pytest.CaptureFixture[str], stage: str, parts: list[str]
) -> None:
    print_summary(folder, stage)
    printed = capsys.readouterr().out
    for part in parts:
        assert part in printed
    assert printed.splitlines()[-1] == f"{'run.json':<14} {folder.root}/run.json"


def test_a_stage_prints_no_step_of_a_later_one(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(folder, "match")
    assert "manifest" not in capsys.readouterr().out


def test_json_has_every_stage_and_the_funnel(folder: RunFolder) -> None:
    found = summaries(folder, STAGE_NAMES)
    assert list(found) == [*STAGE_NAMES, "funnel"]
    assert found["funnel"] == funnel(folder, STAGE_NAMES).as_json()
    assert found["count"]["pairs"] == sum(row["matched"] for row in found["match"]["languages"])
    assert found["count"]["entries"] > 0
    assert "kept" not in [step["key"] for step in summaries(folder, ["match"])["funnel"]["steps"]]
