"""Options as arguments, and back."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.command_line import add_options, given_options, to_arguments
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.rebalance import RebalanceOptions
from metaclip_curate.storage import StorageOptions


@pytest.mark.parametrize(
    "options",
    [
        ExtractOptions(input=("cc:CC-MAIN-2025-30", "s3://b/a,b.wat.gz"), ignore_opt_out=True, max_failed_inputs=0.5),
        MatchOptions(metadata="s3://b/m", languages=("en", "de"), entry_spacing="metaclip1", dedup_passes=3),
        BalanceOptions(t=5, anchor_language="-odd"),
        BalanceOptions(tail_share=0.06),
        DrawOptions(seed=2**64 - 1, texts_per_image="one"),
        StorageOptions(s3_anonymous=True, read_timeout=2.5),
        RebalanceOptions(downloaded=("a", "b"), seed=0),
    ],
)
def test_round_trip(options: Any) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, "group", type(options))
    parsed = parser.parse_args(to_arguments(options))
    assert given_options(parsed, {"group": type(options)})["group"] == options


def test_defaults_are_left_out() -> None:
    assert to_arguments(MatchOptions()) == []
