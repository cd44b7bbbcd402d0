"""run.json: what is read is written again as it was, or refused with a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.run.file_list import digest
from metaclip_curate.run.record import (
    DedupPart,
    ExtractPart,
    Generation,
    MatchCounts,
    MatchPart,
    RecipeRecord,
    RemovedFile,
    RunRecord,
    StageRecord,
    json_bytes,
    run_from_bytes,
    run_to_bytes,
)
from metaclip_curate.run.summaries import (
    BalanceSummary,
    CountSummary,
    DedupSummary,
    DownloadLosses,
    ExtractSummary,
    LanguageMatches,
    LanguageThreshold,
    LanguageTotals,
    MatchSummary,
    SampleSummary,
)

MATCH_PART = MatchPart(languages={"en": MatchCounts(distinct=9, matched=7, occurrences=12, screened={"host": 1})})
RUN = RunRecord(
    owns=frozenset({"pairs", "matched"}),
    stages={
        "extract": StageRecord(
            options={"ignore_opt_out": False, "seed": None},
            parts={"00001": ExtractPart(files=2, digest="ab", files_digest="cd"), "00000": ExtractPart(files=1)},
            finished=True,
            summary=ExtractSummary(files=3, ok=2, failed=1, pages=5, pairs=9),
        ),
        "dedup": StageRecord(
            options={"lid_fallback": "none"},
            parts={"00000-00000": DedupPart(pairs=9, labels={"en": 8, "de": 1})},
            generations=(Generation(("00000", "00001"), 2),),
            summary=DedupSummary({"de": 1, "en": 8}),
        ),
        "match": StageRecord(
            options={"languages": ["en", "de"]},
            recipe=RecipeRecord("metaclip2", {"entry_spacing": "kana"}),
            parts={"00000-00000": MATCH_PART},
            upstream="0123",
            summary=MatchSummary(
                languages=(LanguageMatches("en", 8, 7, 12), LanguageMatches("fr", 1, 1)),
                no_metadata=3,
                metadata="/lists",
                source="/run",
                downloaded=("/images",),
                download=DownloadLosses(manifest=10, survivors=8, lost={"missing": 2}, unknown=1),
            ),
        ),
        "count": StageRecord(options={}, upstream="4", finished=True, files_digest="ef", summary=CountSummary()),
        "balance": StageRecord(
            options={"tail_share": None},
            summary=BalanceSummary((LanguageThreshold("en", 20, 0.06, 100, 50, 10, 8, 7.25),)),
        ),
        "sample": StageRecord(
            options={},
            summary=SampleSummary(1, 7, (LanguageTotals("en", 20, 0.06, 7.25, 8, 8, 7, 7, 50, 50, 40, 40),)),
        ),
    },
    unfinished=frozenset({"pairs/00002", "inputs/00002"}),
)


def state_of(stage: str, record: dict[str, Any]) -> bytes:
    state = {
        "format": 2,
        "owns": [],
        "stages": {stage: {"options": {}, "parts": {}, "upstream": "", "finished": False, **record}},
    }
    return json_bytes({**state, "digest": digest(json_bytes(state))})


def test_a_record_is_read_as_it_was_written() -> None:
    data = run_to_bytes(RUN)
    assert run_from_bytes(data, "run.json") == RUN
    assert run_to_bytes(run_from_bytes(data, "run.json")) == data


def test_the_keys_of_run_json() -> None:
    """Programs of the user's read it too."""
    state = json.loads(run_to_bytes(RUN))
    assert state["unfinished"] == ["inputs/00002", "pairs/00002"]
    assert list(state) == ["format", "owns", "unfinished", "stages", "digest"]
    match = state["stages"]["match"]
    assert list(match) == ["options", "recipe", "parts", "upstream", "finished", "summary"]
    counts = {"distinct": 9, "matched": 7, "occurrences": 12, "screened": {"host": 1}}
    assert match["parts"] == {"00000-00000": {"languages": {"en": counts}, "policy_rules": {}}}
    assert match["summary"]["languages"][1] == {
        **{"metadata_lang": "fr", "distinct": 1, "matched": 1, "occurrences": 0, "screened": {}}
    }
    dedup = state["stages"]["dedup"]
    assert dedup["generations"] == [{"pairs": ["00000", "00001"], "passes": 2}]
    assert dedup["parts"] == {"00000-00000": {"pairs": 9, "labels": {"en": 8, "de": 1}}}
    assert list(state["stages"]["extract"]["parts"]) == ["00001", "00000"]
    assert state["stages"]["extract"]["parts"]["00001"] == {"files": 2, "digest": "ab", "files_digest": "cd"}
    assert state["stages"]["extract"]["options"] == {"ignore_opt_out": False, "seed": None}
    assert state["stages"]["count"]["summary"] == {}
    assert "summary" not in json.loads(run_to_bytes(RunRecord(stages={"count": StageRecord(options={})})))["stages"]


def test_what_was_removed_is_recorded() -> None:
    run = RunRecord(removed=(RemovedFile("part-00000.parquet", 3, "ab"),), removing=("manifest",))
    data = run_to_bytes(run)
    assert run_from_bytes(data, "run.json") == run
    assert json.loads(data)["removed"] == [{"name": "part-00000.parquet", "rows": 3, "sha256": "ab"}]


def test_a_run_of_the_former_format_is_refused_with_a_sentence() -> None:
    with pytest.raises(
        UserError, match=r"^/run/run.json was written by a version .* \(format 1\): name another folder"
    ):
        run_from_bytes(json.dumps({"format": 1, "stages": {}}).encode(), "/run/run.json")
    with pytest.raises(UserError, match=r"^/run/run.json was written by a newer version .*: update "):
        run_from_bytes(json.dumps({"format": 3, "stages": {}}).encode(), "/run/run.json")


@pytest.mark.parametrize(
    ("stage", "record"),
    [
        ("match", {"parts": {"00000": {"languages": {"en": {"distinct": 1, "matched": 1, "blurred": 1}}}}}),
        ("match", {"summary": {"languages": "en"}}),
        ("balance", {"summary": {"languages": [{"metadata_lang": "en"}]}}),
        ("extract", {"parts": {"00000": {}}}),
        ("dedup", {"parts": {"00000": {"pairs": 1}}}),
        ("extract", {"options": None, "parts": []}),
        ("publish", {"summary": {}}),
    ],
)
def test_a_record_that_this_version_does_not_know_is_refused(stage: str, record: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"^/run/run.json has a record that this version .*: go on with the version"):
        run_from_bytes(state_of(stage, record), "/run/run.json")
