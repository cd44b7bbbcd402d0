"""The funnel of a run folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from metaclip_curate.extract.links import Drop
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import Funnel, funnel, table_funnel
from metaclip_curate.run.summaries import (
    BalanceSummary,
    CountSummary,
    DedupSummary,
    DownloadLosses,
    ExtractSummary,
    LanguageMatches,
    LanguageThreshold,
    MatchSummary,
    SampleSummary,
)

INPUTS = ExtractSummary(
    files=2,
    bytes_read=2_966_169,
    records=1474,
    pages=1200,
    image_links=1000,
    dropped_opt_out=10,
    dropped_no_text=500,
    dropped_bad_url=5,
    dropped_not_http=15,
    texts=600,
    duplicate_texts=100,
    pairs=500,
)
LANGUAGES = (LanguageMatches("en", 300, 250, 0, {"length": 4, "removed": 1}), LanguageMatches("de", 80, 60))
THRESHOLDS = (
    LanguageThreshold("en", 20, 0.06, 900, 50, 10, 250, 120.5),
    LanguageThreshold("de", 5, 0.06, 100, 40, 10, 60, 30.0),
)


def made(
    root: Path, download: DownloadLosses | None = None, screened_before: dict[str, int] | None = None
) -> RunFolder:
    folder = RunFolder(str(root))
    folder.begin("extract", {}, "")
    folder.finish("extract", INPUTS)
    folder.begin("dedup", {}, folder.fingerprint("extract"))
    folder.finish("dedup", DedupSummary({"de": 100, "en": 300}))
    folder.begin("match", {}, folder.fingerprint("dedup"))
    summary = MatchSummary(
        languages=LANGUAGES,
        no_metadata=10,
        metadata="m",
        screened_without_metadata={"length": 10},
        download=download,
        screened_before=screened_before or {},
    )
    folder.finish("match", summary)
    folder.begin("count", {}, folder.fingerprint("match"))
    folder.finish("count", CountSummary())
    folder.begin("balance", {}, folder.fingerprint("count"))
    folder.finish("balance", BalanceSummary(THRESHOLDS))
    folder.begin("sample", {}, folder.fingerprint("balance"))
    folder.finish("sample", SampleSummary(1, 150, ()))
    return folder


STAGES = ("extract", "dedup", "match", "count", "balance", "sample")


def names_and_values(found: Funnel) -> list[tuple[str, float]]:
    return [(step.name, step.value) for step in found.steps if not step.part]


def test_the_steps_of_a_finished_run(tmp_path: Path) -> None:
    assert names_and_values(funnel(made(tmp_path), STAGES)) == [
        ("image links", 1000),
        ("captions of the remaining links", 600),
        ("unique pairs within each file", 500),
        ("unique pairs overall", 400),
        ("matched pairs", 310),
        ("expected in the manifest", 150.5),
        ("kept in the manifest", 150),
    ]


def test_a_pool_has_rows_instead_of_links(tmp_path: Path) -> None:
    summary = replace(INPUTS, pages=0, dropped_opt_out=0)
    found = table_funnel(summary, MatchSummary(languages=LANGUAGES, no_metadata=10, metadata="m"), 150.5, 150)
    assert (found.unit, funnel(made(tmp_path), STAGES).unit) == ("rows", "links")
    assert "A row can have several captions, each of which makes a pair." in found.explanation
    assert [step.name for step in found.steps[:5]] == [
        *("rows", "without a caption", "with a bad URL", "neither http nor https", "captions of the remaining rows")
    ]


def test_parts_lead_from_each_step_to_the_next(tmp_path: Path) -> None:
    # A link can have several captions, and an expectation isn't a number of pairs.
    steps = [step for step in funnel(made(tmp_path), STAGES).steps if step.key != "expected"]
    left = next(step.value for step in steps if step.key == "texts")
    for step in steps[steps.index(next(step for step in steps if step.key == "texts")) + 1 :]:
        if step.part:
            left -= step.value
        else:
            assert step.value == left, step


def test_pairs_that_were_taken_down_have_a_line_of_their_own(tmp_path: Path) -> None:
    folder = made(tmp_path)
    folder.finish("sample", SampleSummary(1, 140, (), removed=10))
    found = [(step.key, step.value) for step in funnel(folder, STAGES).steps if step.key in ("not_drawn", "taken_down")]
    assert found == [("not_drawn", 160), ("taken_down", 10)]


def test_purged_pairs_are_neither_matched_nor_without_a_match(tmp_path: Path) -> None:
    folder = made(tmp_path)
    folder.finish("dedup", DedupSummary({"de": 100, "en": 305}))
    steps = funnel(folder, STAGES).steps
    place = [step.key for step in steps].index("distinct")
    assert [(step.key, step.value, step.part) for step in steps[place : place + 2]] == [
        ("distinct", 405, False),
        ("purged", 5, True),
    ]
    assert [step.key for step in steps].count("purged") == 1
    assert "purged" not in {step.key for step in funnel(made(tmp_path / "other"), STAGES).steps}


def test_reasons_of_screens_are_steps_in_the_order_in_which_they_count(tmp_path: Path) -> None:
    steps = funnel(made(tmp_path), STAGES).steps
    assert [(step.key, step.value) for step in steps if step.key.startswith("screened_")] == [
        ("screened_removed", 1),
        ("screened_length", 14),
    ]


def test_a_rebalanced_run_has_what_the_runs_before_rejected(tmp_path: Path) -> None:
    folder = made(tmp_path, DownloadLosses(150, 140, {"missing": 4, "size": 6}, 0), {"host": 7})
    found = [(step.key, step.value, step.part) for step in funnel(folder, STAGES[:3]).steps]
    assert found[found.index(("pairs", 500, False)) + 1 :] == [
        ("screened_host", 7, True),
        ("manifest_before", 150, False),
        ("lost_missing", 4, True),
        ("lost_size", 6, True),
        ("matched", 310, False),
    ]


def test_only_finished_stages_have_steps(tmp_path: Path) -> None:
    folder = made(tmp_path)
    assert funnel(folder, ()) == Funnel()
    last = [funnel(folder, STAGES[:number]).steps[-1].key for number in range(1, 7)]
    assert last == ["pairs", "distinct", "matched", "matched", "expected", "kept"]


def test_a_rebalanced_run_goes_on_from_a_manifest(tmp_path: Path) -> None:
    folder = made(tmp_path, DownloadLosses(manifest=400, survivors=310, lost={"failed_to_download": 90}, unknown=0))
    steps = funnel(folder, ("extract", "dedup", "match")).steps[-3:]
    assert [(step.name, step.value) for step in steps] == [
        ("pairs in the manifest of the run before", 400),
        ("failed to download", 90),
        ("pairs with a downloaded image", 310),
    ]


def test_keys_are_unique_and_json_has_all(tmp_path: Path) -> None:
    found = funnel(made(tmp_path), STAGES)
    written = json.loads(json.dumps(found.as_json()))
    keys = [step["key"] for step in (*written["inputs"], *written["steps"])]
    assert len(keys) == len(set(keys)) == len(found.inputs) + len(found.steps)
    assert {reason.value for reason in Drop} <= set(keys)
    assert written["steps"][-1] == {"key": "kept", "name": "kept in the manifest", "value": 150, "part": False}
