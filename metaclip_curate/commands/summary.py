"""What a stage or a run prints at its end."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from metaclip_curate import storage
from metaclip_curate.commands.next_steps import next_steps
from metaclip_curate.commands.output import print_blocks, print_paths
from metaclip_curate.console.terminal import shown
from metaclip_curate.console.text_table import LINE_WIDTH, number, share, text_table
from metaclip_curate.run.file_list import rows_of
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import Funnel, Step, funnel
from metaclip_curate.run.record import to_json
from metaclip_curate.run.stages import STAGES
from metaclip_curate.run.summaries import BalanceSummary, DedupSummary, MatchSummary, SampleSummary

_LABELS = 20  # most labels that are listed by name
_WRITTEN = {
    "extract": ("pairs", "inputs", "run.json"),
    "dedup": ("distinct", "run.json"),
    "match": ("matched", "run.json"),
    "count": ("counts", "run.json"),
    "balance": ("thresholds", "run.json"),
    "sample": (
        "pairs",
        "inputs",
        "distinct",
        "matched",
        "counts",
        "thresholds",
        "manifest",
        "datacard.json",
        "run.json",
    ),
}


def summaries(folder: RunFolder, stages: Sequence[str]) -> dict[str, Any]:
    """Returns the results of finished stages as JSON types, by stage, and the funnel up to the last of them."""
    found: dict[str, Any] = {stage: to_json(folder.require(stage).summary) for stage in stages}
    if "count" in found:
        found["count"] = _count_totals(folder)
    found["funnel"] = _funnel_up_to(folder, stages[-1]).as_json()
    return found


def print_summary(folder: RunFolder, stage: str, warnings: Sequence[str] = ()) -> None:
    """Prints the result of a stage and the paths of its tables; after the last stage, the result of the whole run.

    Args:
        folder: Run folder in which the stage is finished.
        stage: Name of the stage.
        warnings: Warnings from the beginning of the log, which are repeated at the end.
    """
    print_blocks(*_TABLES[stage](folder))
    names = _WRITTEN[stage]
    if stage == "sample" and storage.exists(storage.join(folder.root, "report.html"), folder.options):
        names = (*names, "report.html")
    print_paths(folder.root, names)
    if stage == "sample":
        print_blocks(next_steps(folder))
    print_warnings(warnings)


def print_warnings(warnings: Sequence[str]) -> None:
    """Prints warnings from the log again, which has scrolled away by the end of a command."""
    if warnings:
        print_blocks("\n".join(["Warnings", *(f"  {shown(line)}" for line in warnings)]))


def _extract_tables(folder: RunFolder) -> list[str]:
    return [_funnel_table(folder, "extract")]


def _dedup_tables(folder: RunFolder) -> list[str]:
    summary = folder.summary(DedupSummary)
    labels = sorted(summary.labels.items(), key=lambda row: (-row[1], row[0]))
    rows = [[label, number(pairs), share(pairs, summary.distinct)] for label, pairs in labels[:_LABELS]]
    if rest := labels[_LABELS:]:
        pairs = sum(size for _, size in rest)
        rows.append([f"{len(rest):,} others", number(pairs), share(pairs, summary.distinct)])
    return [_funnel_table(folder, "dedup"), text_table(["language label", "pairs", "share"], rows, "<>>")]


def _match_tables(folder: RunFolder) -> list[str]:
    matches = sorted(folder.summary(MatchSummary).languages, key=lambda row: (-row.matched, row.metadata_lang))
    rows = [
        [row.metadata_lang, number(row.distinct), number(row.matched), share(row.matched, row.distinct)]
        for row in matches
    ]
    languages = text_table(["language", "pairs", "matched", "share"], rows, "<>>>")
    return [_funnel_table(folder, "match"), languages]


def _count_tables(folder: RunFolder) -> list[str]:
    totals = _count_totals(folder)
    named = {
        "matched pairs": totals["pairs"],
        "entries of their languages": totals["entries"],
        "occurrences of entries, each once a text": totals["matches"],
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
    languages = text_table(_LANGUAGE_COLUMNS, _languages(folder), "<" + ">" * 7)
    return [_funnel_table(folder, "sample"), languages, _matches_table(folder.summary(SampleSummary))]


_TABLES = {
    "extract": _extract_tables,
    "dedup": _dedup_tables,
    "match": _match_tables,
    "count": _count_tables,
    "balance": _balance_tables,
    "sample": _run_tables,
}


def _count_totals(folder: RunFolder) -> dict[str, int | None]:
    matching = folder.summary(MatchSummary)
    entries = rows_of(folder.table_files("count", "counts"))
    return {"pairs": matching.matched, "entries": entries, "matches": matching.occurrences}


def _funnel_up_to(folder: RunFolder, stage: str) -> Funnel:
    return funnel(folder, STAGES[: STAGES.index(stage) + 1])


def _funnel_table(folder: RunFolder, stage: str) -> str:
    found = _funnel_up_to(folder, stage)
    rows = [[_name(step), number(step.value), ""] for step in found.inputs]
    rows += [[_name(step), number(step.value), share(step.value, found.whole)] for step in found.steps]
    table = text_table(["", "number", f"share of the {found.unit}"], rows, "<>>")
    return f"{table}\n\n{textwrap.fill(found.explanation, LINE_WIDTH)}"


def _name(step: Step) -> str:
    return f"  {step.name}" if step.part else step.name


def _matches_table(sampled: SampleSummary) -> str:
    """Returns what the draw did to frequent and to rare entries, over all languages."""
    languages = sampled.languages
    numbers = {
        "head: entries in t texts or more": [(row.head_matches_in, row.head_matches_out) for row in languages],
        "tail: entries in fewer than t texts": [(row.tail_matches_in, row.tail_matches_out) for row in languages],
    }
    rows = []
    for name, matches in numbers.items():
        before, kept = (sum(column) for column in zip(*matches, strict=True)) if matches else (0, 0)
        rows.append([name, number(before), number(kept), share(kept, before)])
    return text_table(["occurrences of entries in texts", "matched", "kept", "share"], rows, "<>>>")


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
