"""The funnel: how many links, pairs and matched pairs a run has, and why the others were left out.

Its steps and their names are the same in the console's summary, the report, the data set's README and `--json`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.summaries import BalanceSummary, DedupSummary, ExtractSummary, MatchSummary, SampleSummary
from metaclip_curate.screens.reasons import REASON_NAMES

_ROWS = "rows"


@dataclass(frozen=True)
class Step:
    """A line of the funnel.

    Attributes:
        key: Name for programs, which stays the same when the wording changes.
        name: What is counted, in words.
        value: How many; a fraction if it is an expectation.
        part: Whether it is a part of the step above it that goes no further.
    """

    key: str
    name: str
    value: float
    part: bool = False


@dataclass(frozen=True)
class Funnel:
    """The steps of a run, as far as its stages are finished.

    Attributes:
        inputs: What was read: files and records.
        steps: From image links, or rows of pools, of which all shares are, to pairs in the manifest.
    """

    inputs: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def whole(self) -> float:
        """Number of which the steps are shares: that of the first one."""
        return self.steps[0].value if self.steps else 0

    @property
    def unit(self) -> str:
        """What the first step counts, in words: links of pages, or rows if all inputs are pools."""
        return "rows" if self.steps and self.steps[0].name == _ROWS else "links"

    @property
    def explanation(self) -> str:
        """Why the captions aren't the links minus what was dropped, and for which reason a link counts."""
        captions = " (alt, title)" if self.unit == "links" else ""
        one = self.unit.removesuffix("s")
        return (
            f"A {one} that several reasons apply to counts for the first of them. A {one} can have several "
            f"captions{captions}, each of which makes a pair."
        )

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        """Returns the funnel as JSON types."""
        return {
            "inputs": list(map(dataclasses.asdict, self.inputs)),
            "steps": list(map(dataclasses.asdict, self.steps)),
        }


def funnel(folder: RunFolder, finished: Collection[str]) -> Funnel:
    """Reads a run's funnel.

    Args:
        folder: A run folder.
        finished: Its finished stages, each computed from the one before.
    """
    if "extract" not in finished:
        return Funnel()
    inputs = folder.summary(ExtractSummary)
    steps = _extracted(inputs)
    match = folder.summary(MatchSummary) if "match" in finished else None
    # The matched pairs of a rebalanced run come from another run's manifest, and not from distinct pairs.
    if "dedup" in finished and (match is None or not match.download):
        dedup = folder.summary(DedupSummary)
        steps += _distinct(dedup, inputs.pairs)
        # Rows that `remove --purge` has deleted since the pairs were counted weren't matched any more.
        purged = dedup.distinct - match.distinct if match else 0
        steps += [Step("purged", "deleted by remove --purge", purged, part=True)] if purged else []
    if match is not None:
        steps += _matched(match)
    expected = folder.summary(BalanceSummary).expected_pairs if "balance" in finished else None
    sampled = folder.summary(SampleSummary) if "sample" in finished else None
    kept, removed = (sampled.pairs, sampled.removed) if sampled else (None, 0)
    return Funnel(_read(inputs), (*steps, *_drawn(steps[-1].value, expected, kept, removed)))


def table_funnel(table: ExtractSummary, match: MatchSummary, expected: float, kept: int) -> Funnel:
    """Returns the funnel of a table that was curated without a run folder.

    Args:
        table: What was read of it, with each pair once.
        match: What was matched.
        expected: Expected number of kept pairs.
        kept: Number of kept pairs.
    """
    return Funnel((), (*_extracted(table), *_matched(match), *_drawn(match.matched, expected, kept)))


def loss_name(status: str) -> str:
    """Returns in words what became of a pair in the download.

    Args:
        status: A key of `DownloadLosses.lost`.
    """
    return REASON_NAMES.get(status, status.replace("_", " "))


def _read(inputs: ExtractSummary) -> tuple[Step, ...]:
    return (
        Step("files", "input files", inputs.files),
        Step("partial", "damaged, read as far as possible", inputs.partial, part=True),
        Step("failed", "failed", inputs.failed, part=True),
        Step("records", "records", inputs.records),
        Step("records_skipped", "skipped", inputs.records_skipped, part=True),
    )


def _extracted(inputs: ExtractSummary) -> list[Step]:
    is_pool = bool(inputs.image_links) and not inputs.pages
    opted_out = Step("dropped_opt_out", "on pages that opt out", inputs.dropped_opt_out, part=True)
    return [
        Step("image_links", _ROWS if is_pool else "image links", inputs.image_links),
        *([] if is_pool else [opted_out]),
        Step("dropped_no_text", "without a caption", inputs.dropped_no_text, part=True),
        Step("dropped_bad_url", "with a bad URL", inputs.dropped_bad_url, part=True),
        Step("dropped_not_http", "neither http nor https", inputs.dropped_not_http, part=True),
        Step("texts", f"captions of the remaining {'rows' if is_pool else 'links'}", inputs.texts),
        Step("duplicate_texts", "repeated in the same file", inputs.duplicate_texts, part=True),
        Step("pairs", "unique pairs within each file", inputs.pairs),
    ]


def _distinct(dedup: DedupSummary, pairs: int) -> list[Step]:
    return [
        Step("in_other_files", "repeated in another file", pairs - dedup.distinct, part=True),
        Step("distinct", "unique pairs overall", dedup.distinct),
    ]


def _drawn(matched: float, expected: float | None, kept: int | None, removed: int = 0) -> list[Step]:
    steps = []
    if kept is not None:
        steps.append(Step("not_drawn", "not drawn", matched - kept - removed, part=True))
    if removed:
        steps.append(Step("taken_down", "taken down after the draw", removed, part=True))
    if expected is not None:
        steps.append(Step("expected", "expected in the manifest", expected))
    if kept is not None:
        steps.append(Step("kept", "kept in the manifest", kept))
    return steps


def _matched(match: MatchSummary) -> list[Step]:
    if match.download:  # the matched pairs of a rebalanced run come from another run's manifest
        return [
            *_screened(match.screened_before),
            Step("manifest_before", "pairs in the manifest of the run before", match.download.manifest),
            *(
                Step(f"lost_{status}", loss_name(status), lost, part=True)
                for status, lost in match.download.lost.items()
            ),
            Step("matched", "pairs with a downloaded image", match.matched),
        ]
    return [
        *_screened(match.screened),
        Step("no_metadata", "without metadata for their language", match.no_metadata, part=True),
        Step("unmatched", "without a match", match.unmatched, part=True),
        Step("matched", "matched pairs", match.matched),
    ]


def _screened(counts: Mapping[str, int]) -> list[Step]:
    return [Step(f"screened_{reason}", REASON_NAMES[reason], pairs, part=True) for reason, pairs in counts.items()]
