"""Dataclasses of options become arguments, and arguments dataclasses."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.command_line import add_options, given_options, split_list, split_paths, to_arguments
from metaclip_curate.options.compare import CompareOptions
from metaclip_curate.options.dedup import DedupOptions
from metaclip_curate.options.deploy import DeployOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.lists import StarterOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.parser import OptionParser
from metaclip_curate.options.rebalance import RebalanceOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.threshold import CandidateOptions
from metaclip_curate.storage import StorageOptions


def parser_of(options: type, **settings: Any) -> OptionParser:
    parser = OptionParser("program")
    add_options(parser, "group", options, **settings)
    return parser


def parse(options: type, arguments: list[str], **settings: Any) -> Any:
    return given_options(parser_of(options, **settings).parse_args(arguments), {"group": options})["group"]


def test_lists_are_of_the_fields_type() -> None:
    assert parse(CandidateOptions, ["--t", "5,20"]) == CandidateOptions(t=(5, 20))
    assert parse(CandidateOptions, ["--tail-share", "0.1"]) == CandidateOptions(tail_share=(0.1,))
    assert parse(CandidateOptions, ["--target-pairs", "400_000_000"]).target_pairs == 400_000_000


@pytest.mark.parametrize(
    "arguments",
    [["--t", "5,20,7"], ["--t", "5", "20", "7"], ["--t", "5", "--t", "20,7"], ["--t=5,", "--t=20", "--t=7"]],
)
def test_a_list_takes_commas_spaces_and_repeats(arguments: list[str]) -> None:
    assert parse(CandidateOptions, arguments) == CandidateOptions(t=(5, 20, 7))


def test_a_path_may_have_a_comma(tmp_path: Path) -> None:
    (tmp_path / "a,b.wat").touch()
    whole = str(tmp_path / "a,b.wat")
    assert split_paths(whole) == [whole]
    assert split_paths("gone/a,gone/b") == ["gone/a", "gone/b"]
    assert split_paths(r"a\,b.wat,c.wat") == ["a,b.wat", "c.wat"]
    assert split_paths("https://h/a?token=b,c,https://h/d") == ["https://h/a?token=b,c", "https://h/d"]
    assert split_paths("a,s3://b/c,d,cc:CC-MAIN-2025-30") == ["a", "s3://b/c,d", "cc:CC-MAIN-2025-30"]
    assert split_paths("s3://b/c,cc-index:CC-MAIN-2025-30") == ["s3://b/c", "cc-index:CC-MAIN-2025-30"]
    assert split_paths("a,\0") == ["a", "\0"]
    assert split_paths("n" * 300 + ",b") == ["n" * 300, "b"]
    assert split_list(whole) == whole.split(",")


def test_what_is_not_given_keeps_the_dataclass_default() -> None:
    made = parse(RebalanceOptions, ["--downloaded", "a", "c", "--downloaded", "d"])
    assert made == RebalanceOptions(downloaded=("a", "c", "d"))
    assert (made.seed, made.texts_per_image) == (None, None)
    chosen = parse(RebalanceOptions, ["--downloaded", "a", "--seed", "3", "--texts-per-image", "one"])
    assert (chosen.seed, chosen.texts_per_image) == (3, "one")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--t", "5,x"], "argument --t: 'x' isn't a whole number"),
        (["--target-pairs", "many"], "argument --target-pairs: 'many' isn't a whole number"),
        (["--tail-share", "some"], "argument --tail-share: 'some' isn't a number"),
    ],
)
def test_what_is_no_number_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(CandidateOptions, arguments)
    assert message in capsys.readouterr().err


def test_a_field_that_is_left_out_is_no_argument() -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(RunOptions, ["--output", "x"], leave_out=("output",))


def test_a_positional_argument() -> None:
    assert parse(CompareOptions, ["a", "b"]) == CompareOptions("a", "b")


def test_a_former_name_is_accepted_and_not_shown() -> None:
    assert parse(StarterOptions, ["--out", "x"]) == StarterOptions("x")
    assert "--out " not in parser_of(StarterOptions).format_help()


def test_the_help_shows_defaults_placeholders_and_what_is_required() -> None:
    text = " ".join(parser_of(ExtractOptions).format_help().split())
    assert "usage: program --input PATH [PATH ...] [options]" in text
    assert "--max-failed-inputs SHARE" in text
    assert "fails (default: 0.05)" in text
    assert "aren't recorded (required)" in text
    assert "--input PATH [PATH ...] [options]" not in parser_of(ExtractOptions, optional=("input",)).format_usage()
    assert "(default: 0)" in parser_of(DrawOptions).format_help()


@pytest.mark.parametrize(
    "options",
    [
        ExtractOptions(input=("cc:CC-MAIN-2025-30", "s3://b/a,b.wat.gz"), ignore_opt_out=True, max_failed_inputs=0.5),
        DedupOptions(lid_fallback="page", min_lid_score=0.25, dedup_passes=3),
        MatchOptions(metadata="s3://b/m", languages=("en", "de"), entry_spacing="metaclip1"),
        BalanceOptions(t=5, anchor_language="-odd"),
        BalanceOptions(tail_share=0.06),
        DrawOptions(seed=2**64 - 1, texts_per_image="one"),
        StorageOptions(s3_anonymous=True, read_timeout=2.5),
        RebalanceOptions(downloaded=("a", "b"), seed=0),
        DeployOptions(spark_settings=("a=1,2", "b=3")),
    ],
)
def test_options_become_arguments_and_options_again(options: Any) -> None:
    assert parse(type(options), to_arguments(options)) == options


def test_defaults_are_left_out_of_the_arguments() -> None:
    assert to_arguments(MatchOptions()) == []


@pytest.mark.parametrize("value", [2**63, -(10**30)])
def test_a_number_that_nothing_can_hold_is_refused(value: int) -> None:
    @dataclasses.dataclass(frozen=True)
    class Options:
        number: int = dataclasses.field(
            default=0, metadata={"help": "", "metavar": "N", "required": False, "former": ""}
        )

    with pytest.raises(Exception, match="--number must be at"):
        parse(Options, [f"--number={value}"])
