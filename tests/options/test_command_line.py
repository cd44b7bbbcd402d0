"""Dataclasses of options become arguments, and arguments dataclasses."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any

import pytest

from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.rebalance import RebalanceOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.threshold import ChoiceOptions
from tests.conftest import ROOT


def parse(options: type, arguments: list[str], leave_out: tuple[str, ...] = ()) -> Any:
    parser = argparse.ArgumentParser()
    add_options(parser, "group", options, leave_out)
    return given_options(parser.parse_args(arguments), {"group": options})["group"]


def test_lists_are_of_the_fields_type() -> None:
    assert parse(ChoiceOptions, ["--t", "5,20"]) == ChoiceOptions(t=(5, 20))
    assert parse(ChoiceOptions, ["--tail-share", "0.1"]) == ChoiceOptions(tail_share=(0.1,))
    assert parse(ChoiceOptions, ["--target-pairs", "400_000_000"]).target_pairs == 400_000_000


def test_what_is_not_given_stays_open() -> None:
    paths = ("a,b", "c", "d")
    made = parse(RebalanceOptions, ["--downloaded", "a,b", "c", "--downloaded", "d"])
    assert made == RebalanceOptions(downloaded=paths)
    assert (made.seed, made.texts_per_image) == (None, None)
    chosen = parse(RebalanceOptions, ["--downloaded", "a", "--seed", "3", "--texts-per-image", "one"])
    assert (chosen.seed, chosen.texts_per_image) == (3, "one")


@pytest.mark.parametrize("arguments", [["--t", "5,x"], ["--target-pairs", "many"]])
def test_what_is_no_number_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(ChoiceOptions, arguments)
    assert arguments[0] in capsys.readouterr().err


def test_a_field_that_is_left_out_is_no_argument() -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(RunOptions, ["--output", "x"], leave_out=("output",))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["threshold", "rebalance", "export"])
def test_every_command_has_a_script(command: str) -> None:
    answer = subprocess.run(
        [sys.executable, str(ROOT / "jobs" / f"{command}.py"), "--help"], capture_output=True, text=True, check=True
    )
    assert f" {command} " in answer.stdout
    assert "--run" in answer.stdout
