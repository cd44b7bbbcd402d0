"""What a run prints at its end."""

from __future__ import annotations

from metaclip_curate import storage
from metaclip_curate.console.text_table import number, text_table
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.summaries import BalanceSummary, ExtractSummary, MatchSummary, SampleSummary


def print_summary(folder: RunFolder) -> None:
    """Prints the funnel, the languages and where the tables are.

    Args:
        folder: A run folder with all stages finished.
    """
    print()
    print(text_table(_FUNNEL_COLUMNS, _funnel(folder), "<>>"))
    print()
    print(text_table(_LANGUAGE_COLUMNS, _languages(folder), "<" + ">" * 7))
    print()
    for name in ("pairs", "inputs", "matched", "counts", "thresholds", "manifest", "datacard.json", "run.json"):
        print(f"{name:<14} {storage.join(folder.root, name)}")
    report = storage.join(folder.root, "report.html")
    if storage.exists(report, folder.options):
        print(f"{'report.html':<14} {report}")


def print_extraction(folder: RunFolder) -> None:
    """Prints where every link went, and where the tables are.

    Args:
        folder: A run folder with the stage extract finished.
    """
    inputs = folder.summary(ExtractSummary)
    print()
    print(text_table(_FUNNEL_COLUMNS, _with_shares(_extraction(inputs), inputs.image_links), "<>>"))
    print()
    for name in ("pairs", "inputs", "run.json"):
        print(f"{name:<14} {storage.join(folder.root, name)}")


_FUNNEL_COLUMNS = ["", "number", "share of the links"]
_BEFORE_LINKS = 4  # steps that are no part of the links


def _extraction(inputs: ExtractSummary) -> list[tuple[str, float]]:
    return [
        ("input files", inputs.files),
        ("  of them damaged", inputs.partial),
        ("  of them failed", inputs.failed),
        ("records skipped", inputs.records_skipped),
        ("image links", inputs.image_links),
        ("  on pages that opt out", inputs.dropped_opt_out),
        ("  without a text", inputs.dropped_no_text),
        ("  with a bad URL", inputs.dropped_bad_url),
        ("  not http", inputs.dropped_not_http),
        ("texts of the others", inputs.texts),
        ("pairs, once a file", inputs.pairs),
    ]


def _with_shares(steps: list[tuple[str, float]], links: int) -> list[list[str]]:
    return [
        [name, number(value), f"{value / links:.1%}" if links and place >= _BEFORE_LINKS else ""]
        for place, (name, value) in enumerate(steps)
    ]


def _funnel(folder: RunFolder) -> list[list[str]]:
    inputs, matching = folder.summary(ExtractSummary), folder.summary(MatchSummary)
    steps: list[tuple[str, float]] = [
        *_extraction(inputs),
        ("pairs, once", matching.distinct),
        ("  without metadata for their language", matching.no_metadata),
        ("  without a match", matching.distinct - matching.no_metadata - matching.matched),
        ("  matched", matching.matched),
        ("expected in the manifest", folder.summary(BalanceSummary).expected_pairs),
        ("kept in the manifest", folder.summary(SampleSummary).pairs),
    ]
    return _with_shares(steps, inputs.image_links)


_LANGUAGE_COLUMNS = ["language", "pairs", "matched", "t", "tail share", "expected", "kept", "kept of matched"]


def _languages(folder: RunFolder) -> list[list[str]]:
    limits = {row.metadata_lang: row for row in folder.summary(BalanceSummary).languages}
    out = {row.metadata_lang: row.pairs_out for row in folder.summary(SampleSummary).languages}
    rows = []
    for row in sorted(folder.summary(MatchSummary).languages, key=lambda row: (-row.matched, row.metadata_lang)):
        language, limit = row.metadata_lang, limits.get(row.metadata_lang)
        cells = [language, number(row.distinct), number(row.matched)]
        if limit:
            cells += [number(limit.t), f"{limit.tail_share:.1%}", number(limit.expected_pairs)]
            cells += [number(out[language]), f"{out[language] / row.matched:.1%}"]
        rows.append(cells + [""] * (len(_LANGUAGE_COLUMNS) - len(cells)))
    return rows
