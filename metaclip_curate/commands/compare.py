"""metaclip-curate compare: what differs between two runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from metaclip_curate.commands.command import SESSION_ONLY, Command, Given
from metaclip_curate.commands.output import print_json
from metaclip_curate.console.terminal import shown
from metaclip_curate.console.text_table import number, text_table
from metaclip_curate.console.wording import counted
from metaclip_curate.options.compare import CompareOptions
from metaclip_curate.options.printing import PrintOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.storage import StorageOptions

if TYPE_CHECKING:
    from metaclip_curate.inspect.compare import Difference, LanguageChange

_SHOWN_LANGUAGES, _SHOWN_PAIRS = 20, 5
_ARROW = " -> "  # between a value of the first run and one of the second


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.pipelines.comparison import compare_runs
    from metaclip_curate.pipelines.finished_run import FinishedRun

    roots = (given["runs"].before, given["runs"].after)
    before, after = (FinishedRun(root, "sample", given["storage"], given["session"]) for root in roots)
    found = compare_runs(before, after, _SHOWN_PAIRS)
    if given["print"].json:
        print_json({"runs": list(roots), **dataclasses.asdict(found)})
        return
    names = distinguished(*roots)
    print(_differences_table(found.differences, names) if found.differences else "The data cards are the same.")
    print()
    print(_languages_table(found.languages, names))
    for side, name in zip(("lost", "gained"), names, strict=True):
        shown_pairs = [row for row in found.pairs if row["side"] == side]
        if shown_pairs:
            pairs = sum(getattr(change, side) for change in found.languages)
            print(only_in(name, len(shown_pairs), pairs))
        for row in shown_pairs:
            print(f"  {row['uid']}  {row['metadata_lang']}  {shown(row['text'])}")


def distinguished(before: str, after: str) -> tuple[str, str]:
    """Returns the names of two folders without the folders that both lie in, so that tables stay narrow.

    Args:
        before: Path or URL of a folder.
        after: Path or URL of another one.
    """
    pair = [root.rstrip("/").split("/") for root in (before, after)]
    common = 0
    while common < min(map(len, pair)) - 1 and pair[0][common] == pair[1][common]:
        common += 1
    return "/".join(pair[0][common:]), "/".join(pair[1][common:])


def only_in(name: str, examples: int, pairs: int) -> str:
    """Returns the heading of the examples of pairs that only one run kept.

    Args:
        name: Name of the run.
        examples: Number of examples.
        pairs: Number of pairs that only this run kept.
    """
    of_all = "" if examples == pairs else f", the first {examples:,} by uid"
    return f"\nonly in {shown(name)}: {counted(pairs, 'pair')}{of_all}"


def _differences_table(values: Sequence[Difference], names: tuple[str, str]) -> str:
    rows = [[each.name, _value(each.before), _value(each.after)] for each in values]
    return text_table(["", *names], rows, "<<<")


def _value(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return "-" if value is None else str(value)


def _languages_table(languages: Sequence[LanguageChange], names: tuple[str, str]) -> str:
    only = [f"only in {name}" for name in names]
    header = ["language", "t", "matched", "kept", "head's share", "in both", *only, "keep probability changed"]
    rows = []
    for change in languages[:_SHOWN_LANGUAGES]:
        pairs = [change.t, change.matched, change.kept]
        rows.append(
            [
                change.metadata_lang,
                *(_ARROW.join(_value(value) for value in pair) for pair in pairs),
                _ARROW.join("-" if value is None else f"{value:.1%}" for value in change.head_share),
                *(number(value) for value in (change.both, change.lost, change.gained, change.other_probability)),
            ]
        )
    sums = [
        sum(getattr(change, name) for change in languages) for name in ("both", "lost", "gained", "other_probability")
    ]
    kept = _ARROW.join(number(sum(change.kept[side] for change in languages)) for side in (0, 1))
    matched = _ARROW.join(number(sum(change.matched[side] for change in languages)) for side in (0, 1))
    rows.append(["all", "", matched, kept, "", *map(number, sums)])
    return text_table(header, rows, "<" + ">" * 8)


COMMAND = Command(
    "compare",
    "show what differs between two runs: options, thresholds, pairs gained and lost",
    {"runs": CompareOptions, "session": RunOptions, "storage": StorageOptions, "print": PrintOptions},
    _run,
    examples=("out-t20 out-t50", "s3://bucket/run-1 s3://bucket/run-2 --json"),
    leave_out=SESSION_ONLY,
)
