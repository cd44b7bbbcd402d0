"""The funnel: where every link went."""

from __future__ import annotations

from collections.abc import Collection

from metaclip_curate.report.facts import Step
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.summaries import BalanceSummary, ExtractSummary, MatchSummary, SampleSummary

_DROPPED = {
    "dropped_opt_out": "on pages that opt out",
    "dropped_no_text": "without a text",
    "dropped_bad_url": "with a bad URL",
    "dropped_not_http": "not http or https",
}


def funnel(folder: RunFolder, finished: Collection[str]) -> tuple[Step, ...]:
    """Makes the steps as far as a run is.

    Args:
        folder: A run folder.
        finished: Its finished stages, each made from the one before.

    Returns:
        Steps and, below each, the parts of it that go no further.
    """
    steps: list[Step] = []
    if "extract" in finished:
        inputs = folder.summary(ExtractSummary)
        steps += [
            Step("image links", inputs.image_links),
            *(Step(name, getattr(inputs, column), part=True) for column, name in _DROPPED.items()),
            Step("texts of the other links", inputs.texts),
            Step("seen before in their file", inputs.duplicate_texts, part=True),
            Step("pairs", inputs.pairs),
        ]
    if "match" in finished:
        steps += _matching(folder, steps[-1].value if steps else 0)
    if "balance" in finished:
        if "sample" in finished:
            kept = folder.summary(SampleSummary).pairs
            steps.append(Step("not drawn", steps[-1].value - kept, part=True))
            steps.append(Step("kept in the manifest", kept))
        else:
            steps.append(Step("expected in the manifest", folder.summary(BalanceSummary).expected_pairs))
    return tuple(steps)


def _matching(folder: RunFolder, pairs: float) -> list[Step]:
    match = folder.summary(MatchSummary)
    distinct, matched, download = match.distinct, match.matched, match.download
    if download:  # a rebalanced run: its matched pairs are those of another run's manifest whose images came
        return [
            Step("pairs in the manifest before", download.manifest),
            *(Step(name.replace("_", " "), lost, part=True) for name, lost in download.lost.items()),
            Step("images fetched", matched),
        ]
    return [
        Step("in another file as well", pairs - distinct, part=True),
        Step("different pairs", distinct),
        Step("without metadata for their language", match.no_metadata, part=True),
        Step("without a match", distinct - match.no_metadata - matched, part=True),
        Step("matched", matched),
    ]


def what_was_read(folder: RunFolder) -> str:
    """The input of a run, with its size in decimal units."""
    inputs = folder.summary(ExtractSummary)
    size, unit = float(inputs.bytes_read), "bytes"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    amount = f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.3g} {unit}"
    return f"{inputs.files:,} input files, {inputs.records:,} records, {amount}"
