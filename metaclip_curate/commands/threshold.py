"""metaclip-curate threshold: what each t would keep, before anything is drawn."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from metaclip_curate.commands.output import Tell, add_json, print_json, tell_of
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.source import SourceOptions
from metaclip_curate.options.threshold import ChoiceOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.schemas import COUNTS, MATCHED
from metaclip_curate.storage import StorageOptions
from metaclip_curate.thresholds import Candidate, Found, Rule, candidate_of_tail_share, search, unreachable_t

if TYPE_CHECKING:
    from metaclip_curate.stages.after.candidates import Expected
    from metaclip_curate.thresholds import CountHistogram

_GROUPS: dict[str, type] = {
    "source": SourceOptions,
    "run": RunOptions,
    "storage": StorageOptions,
    "choices": ChoiceOptions,
    "draw": DrawOptions,
}
_ABOUT = "what each of several t is expected to keep, or the t that keeps a number of pairs"


def add(commands: Any) -> None:
    """Adds the command to the subparsers of the command line."""
    command = commands.add_parser("threshold", help=_ABOUT, description=_ABOUT.capitalize() + ".")
    for group, options in _GROUPS.items():
        add_options(command, group, options, leave_out=("output",))
    add_json(command)
    command.set_defaults(handler=_run, command="threshold")


def _run(parsed: argparse.Namespace, command: str) -> None:
    given = given_options(parsed, _GROUPS)
    run = FinishedRun(given["source"].run, "count", given["storage"], given["run"])
    chooser = Chooser(run, given["choices"], given["draw"], tell_of(parsed))
    rows = chooser.choices()
    if parsed.json:
        print_json(_as_json(chooser, rows))
        return
    print()
    print(_table(rows))
    if given["choices"].by_language:
        print()
        print(_language_table(chooser, rows))
    if chooser.found:
        print()
        print(_exactness(chooser.found, given["choices"].target_pairs))


@dataclass(frozen=True)
class ChoiceRow:
    """A choice and what it is expected to keep."""

    choice: Candidate
    expected: Expected


class Chooser:
    """Compares thresholds on a run's counts and matched pairs.

    Args:
        run: Finished up to count.
        options: What to compare.
        draw: How pairs will be drawn.
        tell: Takes lines about what goes on.

    Attributes:
        found: What a search for a number of pairs came to; None before, and where t was given.
    """

    def __init__(self, run: FinishedRun, options: ChoiceOptions, draw: DrawOptions, tell: Tell = print) -> None:
        self._run = run
        self._options = options
        self._draw = draw
        self._tell = tell
        self._rule = Rule(options.anchor_language, options.same_t)
        self.found: Found | None = None

    @cached_property
    def histograms(self) -> dict[str, CountHistogram]:
        """How often each count occurs, by language."""
        from metaclip_curate.stages.count import count_histograms

        return count_histograms(self._run.read("count", "counts", COUNTS))

    def choices(self) -> list[ChoiceRow]:
        """The choices that were asked for and, last, the one that keeps every pair that draws.

        Raises:
            UserError: The anchor language has no match.
        """
        if self._options.tail_share:
            asked = [candidate_of_tail_share(self.histograms, p) for p in self._options.tail_share]
        else:
            asked = [self._rule.candidate(self.histograms, t) for t in self._options.t or self._search()]
        everything = Candidate(None, 1.0, {name: max(1, each.largest) for name, each in self.histograms.items()})
        choices = [*asked, everything]
        return [ChoiceRow(*row) for row in zip(choices, self._expected(choices, True), strict=True)]

    def _search(self) -> tuple[int, ...]:
        target = self._options.target_pairs
        low, high = unreachable_t(self.histograms, self._rule, target), self._rule.largest_t(self.histograms)

        def expected(ts: Sequence[int]) -> list[float]:
            self._tell(f"threshold: a pass over the matched pairs with {len(ts)} t from {ts[0]:,} to {ts[-1]:,}")
            choices = [self._rule.candidate(self.histograms, t) for t in ts]
            return [each.all_pairs for each in self._expected(choices, False)]

        self.found = search(expected, target, low, high)
        t = self.found.t
        return tuple(sorted({max(1, t // 2), t, 2 * t}))

    def _expected(self, choices: Sequence[Candidate], images: bool) -> list[Expected]:
        from metaclip_curate.stages.after.candidates import expected_kept, joint_head

        counts, matched = self._run.read("count", "counts", COUNTS), self._run.read("match", "matched", MATCHED)
        thresholds = [choice.thresholds for choice in choices]
        head = joint_head(self._run.spark, counts, self.histograms, thresholds)
        return expected_kept(matched, head, self._draw, images)


def _as_json(chooser: Chooser, rows: Sequence[ChoiceRow]) -> dict[str, Any]:
    choices = [
        {
            **dataclasses.asdict(row.choice),
            "expected_pairs": row.expected.all_pairs,
            "expected_images": row.expected.all_images,
            "expected_pairs_by_language": dict(row.expected.pairs),
        }
        for row in rows
    ]
    found = dataclasses.asdict(chooser.found) if chooser.found else None
    return {"choices": choices[:-1], "all": choices[-1], "found": found}


def _table(rows: Sequence[ChoiceRow]) -> str:
    everything = rows[-1].expected
    header = ["t", "tail share", "expected pairs", "of all", "expected images", "of all"]
    lines = [
        [
            _name(row),
            f"{row.choice.tail_share:.2%}",
            number(row.expected.all_pairs),
            share(row.expected.all_pairs, everything.all_pairs),
            number(row.expected.all_images or 0.0),
            share(row.expected.all_images or 0.0, everything.all_images or 0.0),
        ]
        for row in rows[:-1]
    ]
    total = ["all", "", number(everything.all_pairs), "", number(everything.all_images or 0.0), ""]
    return text_table(header, [*lines, total], ">" * len(header))


def _language_table(chooser: Chooser, rows: Sequence[ChoiceRow]) -> str:
    header = ["language", "t", "its t", "tail share", "expected pairs", "of all", "expected images", "of all"]
    everything = rows[-1].expected
    lines = []
    for language in sorted(everything.pairs, key=lambda name: (-everything.pairs[name], name)):
        of_language = [(everything.pairs[language]), (everything.images or {})[language]]
        for row in rows[:-1]:
            its_t = row.choice.thresholds[language]
            kept = [row.expected.pairs[language], (row.expected.images or {})[language]]
            cells = [language, _name(row), number(its_t)]
            cells.append(f"{chooser.histograms[language].tail_share(its_t):.2%}")
            for part, whole in zip(kept, of_language, strict=True):
                cells += [number(part), share(part, whole)]
            lines.append(cells)
    return text_table(header, lines, "<" + ">" * (len(header) - 1))


def _name(row: ChoiceRow) -> str:
    return "" if row.choice.t is None else number(row.choice.t)


def _exactness(found: Found, target: int) -> str:
    off = found.expected / target - 1
    result = f"t = {found.t:,} is expected to keep {found.expected:,.1f} pairs, {off:+.3%} off {target:,}"
    if found.expected < target and found.low == found.high:
        return f"{result}: it keeps all that can be drawn, and a larger one no more"
    if found.exact:
        return f"{result}: no other t is closer"
    return f"{result}: the closest of those tried; a closer one may be between {found.low:,} and {found.high:,}"
