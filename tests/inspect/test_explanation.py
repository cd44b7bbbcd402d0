"""The sentence that sums up a pair's way through the stages."""

from __future__ import annotations

import pytest

from metaclip_curate.inspect.explanation import unmatched_verdict, unseen_verdict, verdict


@pytest.mark.parametrize(
    ("draw", "selected", "sentence"),
    [
        (0.2, None, "kept: the draw 0.2 is below the keep probability 0.345"),
        (0.2, "a", "kept: the draw 0.2 is below the keep probability 0.345"),
        (0.345, None, "dropped: the draw 0.345 isn't below the keep probability 0.345"),
        (0.2, "b", "left out: of the image's texts the one of b was selected"),
    ],
)
def test_a_matched_pair(draw: float, selected: str | None, sentence: str) -> None:
    assert verdict(0.345, draw, "a", selected) == sentence


def test_a_pair_without_a_match() -> None:
    assert (
        unmatched_verdict("gd", "")
        == "left out: the run has no metadata for the language gd, and no list `other` for languages without one"
    )
    assert unmatched_verdict("de", "de") == "left out: it contains no entry of the metadata of de"


def test_a_text_that_a_rebalanced_run_lacks_may_be_in_the_run_before() -> None:
    assert unseen_verdict("left out") == "not seen by this run; left out"
    assert (
        unseen_verdict("left out", "s3://bucket/run")
        == "not seen by this run, which has only the downloaded pairs of s3://bucket/run: look for it there; left out"
    )
