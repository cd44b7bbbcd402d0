"""What a stage or a run prints at its end."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from metaclip_curate.commands.program import make_parser
from metaclip_curate.commands.summary import print_summary, summaries
from metaclip_curate.options.stages import STAGE_NAMES
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import funnel
from metaclip_curate.run.summaries import SampleSummary
from metaclip_curate.run.tables import open_table
from metaclip_curate.schemas import MANIFEST
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
    says_why = "A link can have several captions (alt, title)" in " ".join(printed.split())
    assert says_why == (stage in ("extract", "dedup", "match"))
    assert printed.splitlines()[-1] == f"{'run.json':<14} {folder.root}/run.json"


def test_a_run_ends_with_what_the_draw_did_and_with_next_steps(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    print_summary(folder, "sample")
    printed = capsys.readouterr().out
    languages = folder.summary(SampleSummary).languages
    found = {line.split(":")[0]: line.split()[-3:] for line in printed.splitlines() if line[:5] in ("head:", "tail:")}
    head = [sum(row.head_matches_in for row in languages), sum(row.head_matches_out for row in languages)]
    tail = sum(row.tail_matches_in for row in languages)
    assert found["head"] == [f"{head[0]:,}", f"{head[1]:,}", f"{head[1] / head[0]:.1%}"]
    assert found["tail"] == [f"{tail:,}", f"{tail:,}", "100.0%"], "every text with a rare entry is kept"
    # The commands are complete: they are given to the parser, and the pair exists.
    commands = [line.partition("metaclip-curate ")[2] for line in printed.split("Next steps")[1].splitlines()[1:]]
    given = [shlex.split(command) for command in commands if command]
    assert [words[0] for words in given] == ["browse", "explore", "explain", "download"]
    for words in given:
        make_parser("metaclip-curate").parse_args(words)
    uids = open_table(folder, "sample", "manifest", MANIFEST).to_table(columns=["uid"]).column("uid").to_pylist()
    assert given[2][-1] in uids
    assert "report.html" not in printed, "a run with --no-report has none"


def test_warnings_are_repeated_at_the_end(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(folder, "sample", ["match: the host list hosts.txt is empty and rejects nothing"])
    end = "\n\nWarnings\n  match: the host list hosts.txt is empty and rejects nothing\n"
    assert capsys.readouterr().out.endswith(end)


def test_a_run_that_keeps_nothing_suggests_nothing_to_explain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_run.write_run(tmp_path / "run", [], t=20)
    print_summary(RunFolder(str(tmp_path / "run")), "sample")
    assert "explain" not in capsys.readouterr().out


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
