"""The words for an option that differs from what a run was made with."""

from __future__ import annotations

from typing import Any

import pytest

from metaclip_curate.run.option_changes import changed_option


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({"seed": 1, "t": 20}, {"t": 20, "seed": 1, "new": 2}, ""),
        ({"seed": 1}, {"seed": 2}, "--seed 1, and the command says 2"),
        ({"seed": 1}, {}, "--seed 1, and the command says nothing"),
        ({"tail_share": None}, {"tail_share": 0.2}, "--tail-share nothing, and the command says 0.2"),
        ({"languages": ["en"]}, {"languages": ["en", "de"]}, "--languages en, and the command says en,de"),
        (
            {"metadata_digests": {"de": "a", "en": "b"}},
            {"metadata_digests": {"de": "a", "en": "c"}},
            "metadata_digests of en b, and the command says c",
        ),
        ({"x_digest": "a"}, {"x_digest": "b"}, "a --x with the digest a, and the command says b"),
        ({"rebalanced from": "/a"}, {}, "rebalanced from /a, and the command says nothing"),
    ],
)
def test_the_first_difference_is_named(before: dict[str, Any], now: dict[str, Any], words: str) -> None:
    assert changed_option(before, now) == words
