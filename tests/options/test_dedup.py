"""Options of deduplication that go together."""

from __future__ import annotations

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.options.dedup import DedupOptions


def test_a_score_that_changes_nothing_is_refused() -> None:
    assert DedupOptions(lid_fallback="page", min_lid_score=0.4).min_lid_score == 0.4
    assert DedupOptions(min_lid_score=0.5) == DedupOptions()
    with pytest.raises(UserError, match=r"^--min-lid-score 0.4 changes nothing without --lid-fallback page: add"):
        DedupOptions(min_lid_score=0.4)
