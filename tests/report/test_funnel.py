"""The funnel of a run folder."""

from __future__ import annotations

from pathlib import Path

from metaclip_curate.report.funnel import funnel, what_was_read
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.summaries import (
    BalanceSummary,
    CountSummary,
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
    image_links=1000,
    dropped_opt_out=10,
    dropped_no_text=500,
    dropped_bad_url=5,
    dropped_not_http=15,
    texts=600,
    duplicate_texts=100,
    pairs=500,
)
LANGUAGES = (LanguageMatches("en", 300, 250), LanguageMatches("de", 90, 60))
THRESHOLDS = (
    LanguageThreshold("en", 20, 0.06, 900, 50, 10, 250, 120.5),
    LanguageThreshold("de", 5, 0.06, 100, 40, 10, 60, 30.0),
)


def made(root: Path, download: DownloadLosses | None = None) -> RunFolder:
    folder = RunFolder(str(root))
    folder.begin("extract", {}, "")
    folder.finish("extract", INPUTS)
    folder.begin("match", {}, folder.fingerprint("extract"))
    folder.finish("match", MatchSummary(languages=LANGUAGES, no_metadata=10, metadata="m", download=download))
    folder.begin("count", {}, folder.fingerprint("match"))
    folder.finish("count", CountSummary())
    folder.begin("balance", {}, folder.fingerprint("count"))
    folder.finish("balance", BalanceSummary(THRESHOLDS))
    folder.begin("sample", {}, folder.fingerprint("balance"))
    folder.finish("sample", SampleSummary(1, 150, ()))
    return folder


def test_what_is_left_out_leads_from_each_step_to_the_next(tmp_path: Path) -> None:
    steps = funnel(made(tmp_path), ("extract", "match", "count", "balance", "sample"))
    main = [step for step in steps if not step.part]
    assert [(step.name, step.value) for step in main] == [
        ("image links", 1000),
        ("texts of the other links", 600),
        ("pairs", 500),
        ("different pairs", 400),
        ("matched", 310),
        ("kept in the manifest", 150),
    ]
    left: float = 0
    for step in steps[steps.index(main[1]) :]:  # a link can have several texts
        if step.part:
            left -= step.value
        elif step is main[1]:
            left = step.value
        assert step.part or left == step.value


def test_as_far_as_the_run_is(tmp_path: Path) -> None:
    folder = made(tmp_path)
    assert funnel(folder, ("extract",))[-1].name == "pairs"
    assert funnel(folder, ("extract", "match", "count"))[-1].name == "matched"
    last = funnel(folder, ("extract", "match", "count", "balance"))[-1]
    assert (last.name, last.value) == ("expected in the manifest", 150.5)


def test_a_rebalanced_run_goes_on_from_a_manifest(tmp_path: Path) -> None:
    folder = made(tmp_path, DownloadLosses(manifest=400, survivors=310, lost={"failed_to_download": 90}, unknown=0))
    names = [step.name for step in funnel(folder, ("extract", "match"))]
    assert names[-3:] == ["pairs in the manifest before", "failed to download", "images fetched"]


def test_what_was_read(tmp_path: Path) -> None:
    assert what_was_read(made(tmp_path)) == "2 input files, 1,474 records, 2.97 MB"
