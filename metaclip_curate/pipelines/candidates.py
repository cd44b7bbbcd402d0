"""Thresholds that are compared on a run's counts and matched pairs before one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.threshold import CandidateOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.schemas import COUNTS, MATCHED
from metaclip_curate.stages.after.candidates import expected_kept
from metaclip_curate.stages.after.expected_sums import Expected
from metaclip_curate.stages.after.joint_head import joint_head, smallest_thresholds
from metaclip_curate.stages.count_histograms import count_histograms
from metaclip_curate.stages.shared.language_values import entries_above
from metaclip_curate.thresholds import (
    Candidate,
    CountHistogram,
    Found,
    Rule,
    candidate_of_tail_share,
    search,
    unreachable_t,
)


@dataclass(frozen=True)
class CandidateResult:
    """A candidate and what it is expected to keep."""

    candidate: Candidate
    expected: Expected


class CandidateComparison:
    """Compares thresholds on a run's counts and matched pairs.

    Args:
        run: Run that is finished up to count.
        options: Candidates to compare.
        draw: How pairs will be drawn.
        log: Takes lines about progress.

    Attributes:
        found: Result of a search for a number of pairs; None before it, and if the options give the candidates.
    """

    def __init__(
        self, run: FinishedRun, options: CandidateOptions, draw: DrawOptions, log: Callable[[str], None] = print
    ) -> None:
        self._run = run
        self._options = options
        self._draw = draw
        self._log = log
        self._rule = Rule(options.anchor_language, options.same_t)
        self.found: Found | None = None

    @cached_property
    def histograms(self) -> dict[str, CountHistogram]:
        """How often each count occurs, by language."""
        return count_histograms(self._run.read("count", "counts", COUNTS))

    def results(self) -> list[CandidateResult]:
        """Returns the requested candidates and, last, the one that keeps every pair that can be drawn.

        Raises:
            UserError: The anchor language has no match.
        """
        if self._options.tail_share:
            requested = [candidate_of_tail_share(self.histograms, share) for share in self._options.tail_share]
        else:
            requested = [self._rule.candidate(self.histograms, t) for t in self._options.t or self._search()]
        everything = Candidate(None, 1.0, {name: max(1, each.largest) for name, each in self.histograms.items()})
        candidates = [*requested, everything]
        return [CandidateResult(*row) for row in zip(candidates, self._expected(candidates, True), strict=True)]

    def _search(self) -> tuple[int, ...]:
        target = self._options.target_pairs
        low, high = unreachable_t(self.histograms, self._rule, target), self._rule.largest_t(self.histograms)

        def expected(ts: Sequence[int]) -> list[float]:
            self._log(f"threshold: a pass over the matched pairs with {len(ts)} t from {ts[0]:,} to {ts[-1]:,}")
            candidates = [self._rule.candidate(self.histograms, t) for t in ts]
            return [each.all_pairs for each in self._expected(candidates, False)]

        self.found = search(expected, target, low, high)
        t = self.found.t
        return tuple(sorted({max(1, t // 2), t, 2 * t}))

    def _expected(self, candidates: Sequence[Candidate], images: bool) -> list[Expected]:
        counts, matched = self._run.read("count", "counts", COUNTS), self._run.read("match", "matched", MATCHED)
        thresholds = [candidate.thresholds for candidate in candidates]
        over = entries_above(counts, smallest_thresholds(thresholds)).select("metadata_lang", "entry_id", "count")
        head = joint_head(over.collect(), self.histograms, thresholds)
        return expected_kept(matched, head, self._draw, images)
