"""metaclip-curate threshold: what each t would keep, before anything is drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from metaclip_curate.commands.command import RUN_READ_BY_SPARK, SESSION_ONLY, Command, Given, open_finished_run
from metaclip_curate.commands.output import log_of, print_blocks, print_json
from metaclip_curate.commands.recorded_options import add_recorded_draw
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.printing import PrintOptions
from metaclip_curate.options.threshold import CandidateOptions

if TYPE_CHECKING:
    from metaclip_curate.pipelines.candidates import CandidateComparison, CandidateResult
    from metaclip_curate.thresholds import Found


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.pipelines.candidates import CandidateComparison

    options: CandidateOptions = given["candidates"]
    run = open_finished_run(given, "count")
    comparison = CandidateComparison(run, options, given["draw"], log_of(given["print"]))
    rows = comparison.results()
    if given["print"].json:
        print_json(_as_json(comparison, rows))
        return
    print_blocks(_table(rows))
    if options.by_language:
        print_blocks(_language_table(comparison, rows))
    if comparison.found:
        print_blocks(_exactness(comparison.found, options.target_pairs))


def _as_json(comparison: CandidateComparison, rows: Sequence[CandidateResult]) -> dict[str, Any]:
    choices = [
        {
            **dataclasses.asdict(row.candidate),
            "expected_pairs": row.expected.all_pairs,
            "expected_images": row.expected.all_images,
            "expected_pairs_by_language": dict(row.expected.pairs),
        }
        for row in rows
    ]
    found = dataclasses.asdict(comparison.found) if comparison.found else None
    return {"choices": choices[:-1], "all": choices[-1], "found": found}


def _table(rows: Sequence[CandidateResult]) -> str:
    everything = rows[-1].expected
    header = ["t", "tail share", "expected pairs", "of all", "expected images", "of all"]
    lines = [
        [
            _name(row),
            f"{row.candidate.tail_share:.2%}",
            number(row.expected.all_pairs),
            share(row.expected.all_pairs, everything.all_pairs),
            number(row.expected.all_images or 0.0),
            share(row.expected.all_images or 0.0, everything.all_images or 0.0),
        ]
        for row in rows[:-1]
    ]
    total = ["all", "", number(everything.all_pairs), "", number(everything.all_images or 0.0), ""]
    return text_table(header, [*lines, total], ">" * len(header))


def _language_table(comparison: CandidateComparison, rows: Sequence[CandidateResult]) -> str:
    header = ["language", "t", "its t", "tail share", "expected pairs", "of all", "expected images", "of all"]
    everything = rows[-1].expected
    lines = []
    for language in sorted(everything.pairs, key=lambda name: (-everything.pairs[name], name)):
        of_language = [(everything.pairs[language]), (everything.images or {})[language]]
        for row in rows[:-1]:
            its_t = row.candidate.thresholds[language]
            kept = [row.expected.pairs[language], (row.expected.images or {})[language]]
            cells = [language, _name(row), number(its_t)]
            cells.append(f"{comparison.histograms[language].tail_share(its_t):.2%}")
            for part, whole in zip(kept, of_language, strict=True):
                cells += [number(part), share(part, whole)]
            lines.append(cells)
    return text_table(header, lines, "<" + ">" * (len(header) - 1))


def _name(row: CandidateResult) -> str:
    return "" if row.candidate.t is None else number(row.candidate.t)


def _exactness(found: Found, target: int) -> str:
    off = found.expected / target - 1
    result = f"t = {found.t:,} is expected to keep {found.expected:,.1f} pairs, {off:+.3%} off {target:,}"
    if found.expected < target and found.low == found.high:
        return f"{result}: it keeps all that can be drawn, and a larger one no more"
    if found.exact:
        return f"{result}: no other t is closer"
    return f"{result}: the closest of those tried; a closer one may be between {found.low:,} and {found.high:,}"


COMMAND = Command(
    "threshold",
    "show how many pairs each of several t is expected to keep, or find the t that keeps a number of pairs",
    {**RUN_READ_BY_SPARK, "candidates": CandidateOptions, "draw": DrawOptions, "print": PrintOptions},
    _run,
    examples=("--run out --t 2,5,20", "--run out --target-pairs 400_000_000 --by-language"),
    leave_out=SESSION_ONLY,
    recorded=add_recorded_draw,
)
