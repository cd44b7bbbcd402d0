"""Which copies of pictures are found by their hashes; `make bench BENCH=images` does the same with 2,000."""

from __future__ import annotations

import pytest

from benchmarks.changed_pictures import CHANGES, changes


@pytest.mark.slow
def test_copies_that_are_found_and_those_that_are_not() -> None:
    results = {each.name: each for each in changes(40)}
    assert results.keys() == CHANGES.keys()
    for name in ("encoded again, JPEG quality 50", "half the size"):
        assert results[name].recall == 1
    assert results["text on the picture"].recall > 0.8
    # A hash has no means against these: docs/responsible-data.md says so.
    assert results["mirrored"].recall == 0
    assert results["a bar with text below it"].recall < 0.5
    assert all(each.precision == 1 for each in results.values() if each.recall)
