"""What a stage or a run prints at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metaclip_curate import storage
from metaclip_curate.commands.output import print_blocks, print_paths
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.file_list import rows_of
from metaclip_curate.run.record import to_json
from metaclip_curate.run.summaries import BalanceSummary, ExtractSummary, MatchSummary, SampleSummary

_WRITTEN = {
    "extract": ("pairs", "inputs", "run.json"),
    "match": ("matched", "run.json"),
    "count": ("counts", "run.json"),
    "balance": ("thresholds", "run.json"),
    "sample": ("pairs", "inputs", "matched", "counts", "thresholds", "manifest", "datacard.json", "run.json"),
}


def summaries(folder: RunFolder, stages: Sequence[str]) -> dict[str, Any]:
    """Returns the results of finished stages as JSON types, by stage."""
    found: dict[str, Any] = {stage: to_json(folder.require(stage).summary) for stage in stages}
    if "count" in found:
        found["count"] = _count_totals(folder)
    return found


def print_summary(folder: RunFolder, stage: str) -> None:
    """Prints the result of a stage and where its tables are; of the last stage, that of the whole run.

    Args:
        folder: Run folder in which the stage is finished.
        stage: Name of the stage.
    """
    print_blocks(*_TABLES[stage](folder))
    names = _WRITTEN[stage]
    if stage == "sample" and storage.exists(storage.join(folder.root, "report.html"), folder.options):
        names = (*names, "report.html")
    print_paths(folder.root, names)


def _extract_tables(folder: RunFolder) -> list[str]:
    return [_funnel_table(folder, _extraction(folder))]


def _match_tables(folder: RunFolder) -> list[str]:
    matches = sorted(folder.summary(MatchSummary).languages, key=lambda row: (-row.matched, row.metadata_lang))
    rows = [
        [row.metadata_lang, number(row.distinct), number(row.matched), share(row.matched, row.distinct)]
        for row in matches
    ]
    languages = text_table(["language", "pairs", "matched", "share"], rows, "<>>>")
    return [_funnel_table(folder, [*_extraction(folder), *_matching(folder)]), languages]


def _count_tables(folder: RunFolder) -> list[str]:
    totals = _count_totals(folder)
    named = {
        "matched pairs": totals["pairs"],
        "entries that occur in their texts": totals["entries"],
        "occurrences, each entry once a text": totals["matches"],
    }
    rows = [[name, number(value)] for name, value in named.items() if value is not None]
    return [text_table(["", "number"], rows, "<>")]


def _balance_tables(folder: RunFolder) -> list[str]:
    balanced = folder.summary(BalanceSummary)
    rows = [
        [row.metadata_lang, *map(number, (row.pairs, row.t)), f"{row.tail_share:.1%}", number(row.expected_pairs)]
        for row in sorted(balanced.languages, key=lambda row: (-row.pairs, row.metadata_lang))
    ]
    rows.append(["all", number(balanced.pairs), "", "", number(balanced.expected_pairs)])
    return [text_table(["language", "matched", "t", "tail share", "expected"], rows, "<" + ">" * 4)]


def _run_tables(folder: RunFolder) -> list[str]:
    steps = [
        *_extraction(folder),
        *_matching(folder),
        ("expected in the manifest", folder.summary(BalanceSummary).expected_pairs),
        ("kept in the manifest", folder.summary(SampleSummary).pairs),
    ]
    languages = text_table(_LANGUAGE_COLUMNS, _languages(folder), "<" + ">" * 7)
    return [_funnel_table(folder, steps), languages]


_TABLES = {
    "extract": _extract_tables,
    "match": _match_tables,
    "count": _count_tables,
    "balance": _balance_tables,
    "sample": _run_tables,
}


def _count_totals(folder: RunFolder) -> dict[str, int | None]:
    matching = folder.summary(MatchSummary)
    entries = rows_of(folder.table_files("count", "counts"))
    return {"pairs": matching.matched, "entries": entries, "matches": matching.occurrences}


_Steps = Sequence[tuple[str, float]]
_BEFORE_LINKS = 4  # steps that are no part of the links


def _extraction(folder: RunFolder) -> _Steps:
    inputs = folder.summary(ExtractSummary)
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
        ("captions of the remaining links", inputs.texts),
        ("unique pairs within each file", inputs.pairs),
    ]


def _matching(folder: RunFolder) -> _Steps:
    matching = folder.summary(MatchSummary)
    return [
        ("unique pairs overall", matching.distinct),
        ("  without metadata for their language", matching.no_metadata),
        ("  without a match", matching.distinct - matching.no_metadata - matching.matched),
        ("  matched", matching.matched),
    ]


def _funnel_table(folder: RunFolder, steps: _Steps) -> str:
    links = folder.summary(ExtractSummary).image_links
    rows = [
        [name, number(value), share(value, links) if step >= _BEFORE_LINKS else ""]
        for step, (name, value) in enumerate(steps)
    ]
    return text_table(["", "number", "share of the links"], rows, "<>>")


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
