"""`--again-from`: the stages before the named one are taken from the run folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.stages import STAGES, stages_before, stages_from
from tests.support import made_run, runs


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages that a pipeline does, which compute nothing here."""
    found: list[str] = []
    for stage in STAGES:
        monkeypatch.setattr(Pipeline, stage, lambda self, stage=stage: found.append(stage))
    return found


def pipeline(root: Path, inputs: list[str], lines: list[str] | None = None, **given: Any) -> Pipeline:
    options = runs.options(root, inputs, Path(), **given)
    return Pipeline(
        dataclasses.replace(options, match=dataclasses.replace(options.match, metadata="")),
        log=(lines if lines is not None else []).append,
    )


@pytest.mark.parametrize("stage", ["balance", "sample"])
def test_the_stages_before_need_no_input(
    tmp_path: Path, done: list[str], monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    made_run.write_run(tmp_path, made_run.matched_rows(images=10, seed=1))
    monkeypatch.setattr(storage, "expand_inputs", lambda *given: pytest.fail("inputs were listed"))
    lines: list[str] = []
    run = pipeline(tmp_path, [], lines)
    run.run(stage)
    assert done == list(stages_from(stage))
    assert lines == [f"{', '.join(stages_before(stage))}: kept as they are, without --input"]
    assert run.folder.parts("match")
    with pytest.raises(UserError, match=f"no finished stage {stage}"):
        run.folder.require(stage)


def test_with_inputs_the_stages_before_do_what_is_missing(
    tmp_path: Path, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made_run.write_run(tmp_path, made_run.matched_rows(images=10, seed=1))
    with pytest.raises(UserError, match=r"gone\.warc\.wat\.gz"):
        pipeline(tmp_path, ["/gone.warc.wat.gz"]).run("balance")
    assert done == []
    checked: list[str] = []
    monkeypatch.setattr(Pipeline, "_check", lambda self, stages: checked.extend(stages))
    lines: list[str] = []
    run = pipeline(tmp_path, ["/new.warc.wat.gz"], lines, retry_failed=True)
    run.run("balance")
    assert checked == done == list(STAGES)
    assert lines == []
    assert run.folder.require("count")
    with pytest.raises(UserError, match="no finished stage balance"):
        run.folder.require("balance")


def test_stages_before_that_are_not_finished(tmp_path: Path, done: list[str]) -> None:
    made_run.write_run(tmp_path, made_run.matched_rows(images=10, seed=1))
    with pytest.raises(UserError, match=r"no finished stage extract .*run `metaclip-curate extract --output"):
        pipeline(tmp_path / "new", []).run("match")
    RunFolder(str(tmp_path)).discard("count")
    with pytest.raises(UserError, match="no finished stage count: run `metaclip-curate count --output"):
        pipeline(tmp_path, []).run("balance")
    assert done == []


def test_options_of_the_stages_before_are_still_compared(tmp_path: Path, done: list[str]) -> None:
    made_run.write_run(tmp_path, made_run.matched_rows(images=10, seed=1))
    with pytest.raises(UserError, match=r"--lid-fallback none, and the command says page: .*--again-from dedup to"):
        pipeline(tmp_path, [], lid_fallback="page").run("balance")
    with pytest.raises(UserError, match="--retry-failed reads inputs again: name them with --input, or"):
        pipeline(tmp_path, [], retry_failed=True).run("balance")
    assert done == []


def test_without_it_inputs_are_needed(tmp_path: Path, done: list[str]) -> None:
    made_run.write_run(tmp_path, made_run.matched_rows(images=10, seed=1))
    for again_from in ("", "extract"):
        with pytest.raises(UserError, match="--input is missing"):
            pipeline(tmp_path, []).run(again_from)
    assert done == []
