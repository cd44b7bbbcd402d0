"""run.json of this version and of older ones: what is read is written again as it was, or refused with a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.run.record import (
    ExtractPart,
    Generation,
    MatchCounts,
    MatchPart,
    RecipeRecord,
    RunRecord,
    StageRecord,
    run_from_bytes,
    run_to_bytes,
)
from metaclip_curate.run.summaries import (
    BalanceSummary,
    CountSummary,
    DownloadLosses,
    ExtractSummary,
    LanguageMatches,
    LanguageThreshold,
    LanguageTotals,
    MatchSummary,
    SampleSummary,
)

MATCH_PART = MatchPart(languages={"en": MatchCounts(pairs=9, distinct=8, matched=7, occurrences=12, superseding=0)})
RUN = RunRecord(
    owns=frozenset({"pairs", "matched"}),
    stages={
        "extract": StageRecord(
            options={"ignore_opt_out": False, "seed": None},
            parts={"00001": ExtractPart(files=2, digest="ab", files_digest="cd"), "00000": ExtractPart(files=1)},
            finished=True,
            summary=ExtractSummary(files=3, ok=2, failed=1, pages=5, pairs=9),
        ),
        "match": StageRecord(
            options={"languages": ["en", "de"]},
            recipe=RecipeRecord("metaclip2", {"entry_spacing": "kana"}),
            parts={"00000-00000": MATCH_PART},
            upstream="0123",
            generations=(Generation(("00000", "00001"), 2),),
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
)


def state_of(stage: str, record: dict[str, Any]) -> bytes:
    """run.json as the oldest versions wrote it, without a digest and without the names that the run owns."""
    return json.dumps({"format": 1, "stages": {stage: {"options": {}, "upstream": "", **record}}}).encode()


def test_a_record_is_read_as_it_was_written() -> None:
    data = run_to_bytes(RUN)
    assert run_from_bytes(data, "run.json") == RUN
    assert run_to_bytes(run_from_bytes(data, "run.json")) == data


def test_the_keys_of_run_json() -> None:
    """Programs of the user's read it too, and older versions go on with the run."""
    state = json.loads(run_to_bytes(RUN))
    assert list(state) == ["format", "owns", "stages", "digest"]
    match = state["stages"]["match"]
    assert list(match) == ["options", "recipe", "parts", "upstream", "finished", "notes", "summary"]
    assert match["notes"] == {"generations": [{"pairs": ["00000", "00001"], "passes": 2}]}
    counts = {"pairs": 9, "distinct": 8, "matched": 7, "occurrences": 12, "superseding": 0}
    assert match["parts"] == {"00000-00000": {"languages": {"en": counts}}}
    assert match["summary"]["languages"][1] == {"metadata_lang": "fr", "distinct": 1, "matched": 1}
    assert list(state["stages"]["extract"]["parts"]) == ["00001", "00000"]
    assert state["stages"]["extract"]["parts"]["00001"] == {"files": 2, "digest": "ab", "files_digest": "cd"}
    assert state["stages"]["extract"]["options"] == {"ignore_opt_out": False, "seed": None}
    assert state["stages"]["count"]["summary"] == {}
    assert "summary" not in json.loads(run_to_bytes(RunRecord(stages={"count": StageRecord(options={})})))["stages"]


@pytest.mark.parametrize(
    ("stage", "part"),
    [
        ("match", {"en": [8, 7], "-": [3, 0]}),
        ("match", {"en": [8, 7, 12]}),
        ("match", {}),
        ("match", {"languages": {"en": {"distinct": 8, "matched": 7, "occurrences": 12, "superseding": 0}}}),
        ("match", {"en": [8, 7, 12], "files_digest": "ab"}),
        ("extract", {"files": 2, "paths_digest": "ab"}),
        ("extract", {"files": 2, "digest": "ab"}),
    ],
)
def test_parts_of_older_versions_are_written_as_they_were(stage: str, part: dict[str, Any]) -> None:
    """The fingerprint of a stage covers them: if they changed, everything after it would be done again."""
    run = run_from_bytes(state_of(stage, {"parts": {"00000": part}}), "run.json")
    assert run.owns is None
    assert json.loads(run_to_bytes(run))["stages"][stage]["parts"] == {"00000": part}


def test_what_older_versions_did_not_count_is_unknown() -> None:
    run = run_from_bytes(state_of("match", {"parts": {"00000": {"en": [8, 7]}}}), "run.json")
    part = run.stages["match"].parts["00000"]
    assert part == MatchPart(languages={"en": MatchCounts(distinct=8, matched=7)}, listed=True)
    languages = [{"metadata_lang": "en", "distinct": 8, "matched": 7}]
    summary = {"languages": languages, "no_metadata": 0, "metadata": "/lists"}
    found = run_from_bytes(state_of("match", {"summary": summary}), "run.json").stages["match"].summary
    assert isinstance(found, MatchSummary)
    assert (found.distinct, found.matched, found.occurrences) == (8, 7, None)
    inputs = {"files": 2, "ok": 2, "pairs": 9}
    extract = run_from_bytes(state_of("extract", {"summary": inputs}), "run.json").stages["extract"].summary
    assert extract == ExtractSummary(files=2, ok=2, pairs=9)


@pytest.mark.parametrize(
    ("stage", "record"),
    [
        ("match", {"parts": {"00000": {"languages": {"en": {"distinct": 1, "matched": 1, "blurred": 1}}}}}),
        ("match", {"summary": {"languages": "en"}}),
        ("balance", {"summary": {"languages": [{"metadata_lang": "en"}]}}),
        ("extract", {"parts": {"00000": {}}}),
        ("extract", {"options": None, "parts": []}),
        ("publish", {"summary": {}}),
    ],
)
def test_a_record_that_this_version_does_not_know_is_refused(stage: str, record: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"^/run/run.json has a record that this version .*: go on with the version"):
        run_from_bytes(state_of(stage, record), "/run/run.json")
