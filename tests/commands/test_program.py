"""All commands together: their help, their names, and what holds for every option."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclip_curate.cli import main
from metaclip_curate.commands.command import Command
from metaclip_curate.commands.program import make_parser
from metaclip_curate.commands.stages import STAGE_OPTIONS
from metaclip_curate.options.parser import OptionParser, is_shown, placeholder
from metaclip_curate.options.stages import STAGE_NAMES
from metaclip_curate.run.stages import STAGES
from tests.conftest import ROOT


def leaves(parser: OptionParser) -> Iterator[OptionParser]:
    """The parsers of commands that do something."""
    below = parser.subparsers()
    if not below:
        yield parser
    for command in below.values():
        yield from leaves(command)


PARSER = make_parser("metaclip-curate")
COMMANDS = {parser.prog.partition(" ")[2]: parser for parser in leaves(PARSER)}
EVERY_COMMAND = pytest.mark.parametrize("name", COMMANDS)


def options_of(parser: OptionParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.option_strings and action.nargs != 0 and is_shown(action)]


def example_arguments(example: str) -> list[str]:
    """The arguments of an example, without what a shell does around it."""
    found = re.search(r"metaclip-curate ([^>|)]*)", example)
    assert found
    return shlex.split(found[1])


def test_every_command_is_in_a_group_of_the_help() -> None:
    grouped = [name for names in PARSER.command_groups.values() for name in names]
    assert sorted(grouped) == sorted(PARSER.subparsers())
    assert len(COMMANDS) >= 24
    text = PARSER.format_help()
    for title in PARSER.command_groups:
        assert f"\n{title}:\n" in text


@EVERY_COMMAND
def test_the_help_has_two_or_three_examples_that_parse(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text('input = ["a.wat"]\nmetadata = "lists"\nt = 20\n')
    examples = COMMANDS[name].examples
    assert 2 <= len(examples) <= 3
    assert len(set(examples)) == len(examples)
    for example in examples:
        assert example in COMMANDS[name].format_help()
        parsed = PARSER.parse_args(example_arguments(example))
        command: Command = parsed.command
        command.given(parsed)  # checks the values
        assert name.split()[-1] == command.name
        for action in COMMANDS[name].required:
            given = hasattr(parsed, action.dest) or getattr(parsed, "config", None)
            assert given, f"{example} lacks {action.option_strings}"


@EVERY_COMMAND
def test_placeholders_say_what_the_value_is(name: str) -> None:
    for action in options_of(COMMANDS[name]):
        assert action.choices or re.fullmatch(r"[A-Z][A-Z=]*[A-Z]|N", str(action.metavar)), action.option_strings
        assert action.metavar not in ("STR", "INT", "FLOAT", "A,B")


@EVERY_COMMAND
def test_help_texts_are_phrases(name: str) -> None:
    for action in COMMANDS[name]._actions:
        if is_shown(action) and not isinstance(action, argparse._HelpAction):
            assert action.help
            assert not action.help.endswith("."), action.option_strings


@EVERY_COMMAND
def test_the_usage_line_shows_what_is_required(name: str) -> None:
    parser = COMMANDS[name]
    for action in parser.required:
        assert f"{action.option_strings[-1]} {placeholder(action)}" in parser.format_usage()
        assert "(required)" in str(action.help)


@EVERY_COMMAND
def test_every_list_takes_spaces_commas_and_repeats(name: str) -> None:
    parser = COMMANDS[name]
    for action in options_of(parser):
        if action.nargs is None:
            continue
        flag = action.option_strings[-1]
        one, two, three = ("1", "2", "3") if flag in ("--t", "--tail-share") else ("a=1", "b=2", "c=3")
        positional = ["x" for each in parser._actions if not each.option_strings]
        ways = ([f"{one},{two},{three}"], [one, two, three], [one, flag, f"{two},{three}"])
        values = [vars(parser.parse_args([*positional, flag, *way]))[action.dest] for way in ways]
        assert values[0] == values[1] == values[2]
        assert len(values[0]) == 3


def test_lists_are_found() -> None:
    found = {name for name, parser in COMMANDS.items() for action in options_of(parser) if action.nargs == "+"}
    assert {"run", "threshold", "rebalance", "metadata build", "metadata starter", "plan", "deploy emr"} <= found


def test_no_option_means_two_things() -> None:
    meanings: dict[str, set[str]] = {}
    for parser in COMMANDS.values():
        for action in options_of(parser):
            if action.choices is None:
                meanings.setdefault(action.option_strings[-1], set()).add(str(action.metavar))
    assert len(meanings) > 80
    # `remove` takes files of what others take one of.
    of_remove = {"--uid": {"UID", "FILE"}, "--url": {"URL", "FILE"}}
    assert {name: each for name, each in meanings.items() if len(each) > 1} == of_remove


def test_a_list_is_named_in_the_plural_and_one_language_in_the_singular() -> None:
    for parser in COMMANDS.values():
        for action in options_of(parser):
            if action.option_strings[-1] in ("--language", "--languages"):
                assert (action.nargs == "+") == (action.option_strings[-1] == "--languages")


@EVERY_COMMAND
def test_no_option_can_be_abbreviated(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = name.split()
    with pytest.raises(SystemExit, match="2"):
        PARSER.parse_args([*words, "--hel"])
    assert "did you mean --help?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (["run"], "--output, --input and --metadata are missing: name the run folder, the input files and the metad"),
        (["run", "--input", "a.wat"], "--output and --metadata are missing: name the run folder and the metadata f"),
        (["run", "--again-from", "dedup"], "--output and --metadata are missing"),
        (["count"], "--output is missing"),
        (["extract", "--output", "{tmp}/o"], "--input is missing"),
        (["extract", "--input", "a.wat"], "--output is missing"),
        (["match", "--output", "{tmp}/o"], "--metadata is missing"),
        (["explain", "--uid", "0"], "--run is missing"),
        (["browse"], "--run is missing"),
        (["rebalance", "--run", "x", "--output", "y"], "--downloaded is missing"),
        (["export", "--run", "x"], "--output is missing"),
        (["download", "--run", "x"], "--output is missing"),
        (["metadata", "show"], "--metadata is missing"),
        (["metadata", "starter"], "--output is missing"),
        (["metadata", "import", "x"], "--output is missing"),
        (["metadata", "fetch", "--output", "x"], "--date is missing"),
        (["metadata", "build", "--output", "x"], "--sources is missing"),
        (["deploy", "dataproc"], "--project is missing"),
        (["deploy", "dataproc-serverless", "--project", "p"], "--image is missing"),
        (["deploy", "emr", "--crawl", "CC-MAIN-2025-30"], "--output must be a folder in a bucket"),
    ],
)
def test_what_is_required_and_missing_is_named(
    given: list[str], missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(tmp=tmp_path) for word in given]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"metaclip-curate: {missing}")
    assert printed.count("\n") == 1


def test_a_mistyped_command_repeats_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    for given in (
        ["http://u:SECRET@h/"],
        ["run", "--inptu", "http://u:SECRET@h/"],
        ["run", "--t", "http://h/?sig=SECRET"],
    ):
        with pytest.raises(SystemExit, match="2"):
            main(given)
        assert "SECRET" not in capsys.readouterr().err


def test_stages_have_one_list_of_names() -> None:
    assert STAGE_NAMES == STAGES
    assert list(STAGE_OPTIONS) == ["run", *STAGE_NAMES]


def test_the_module_runs_as_a_program() -> None:
    script = [sys.executable, "-m", "metaclip_curate", "--version"]
    answer = subprocess.run(script, capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.startswith("metaclip-curate ")


def test_the_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from metaclip_curate.commands.program import make_parser; make_parser('x').format_help(); "
        "print(*[name for name in ('numpy', 'pyarrow', 'urllib3', 'boto3', 'pyspark') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == ""


JOBS = {path.stem: path for path in sorted((ROOT / "jobs").glob("*.py"))}


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS)
def test_a_job_has_the_options_of_its_command(job: str) -> None:
    name = {"build_metadata": "metadata build"}.get(job, job)
    answer = subprocess.run([sys.executable, str(JOBS[job]), "--help"], capture_output=True, text=True, check=True)
    for action in options_of(COMMANDS[name]):
        assert action.option_strings[-1] in answer.stdout


def test_there_are_jobs_of_all_stages() -> None:
    assert {"run", *STAGE_NAMES} <= JOBS.keys()


def test_options_from_a_file_reach_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.toml"
    file.write_text(f'input = ["{tmp_path}/gone.wat.gz"]\noutput = "{tmp_path}/out"\nmetadata = "{tmp_path}"\nt = 0\n')
    assert main(["run", "--config", str(file)]) == 2
    assert "--t must be at least 1, not 0" in capsys.readouterr().err
    assert main(["run", "--config", str(file), "--t", "5"]) == 2
    assert "gone.wat.gz" in capsys.readouterr().err
    file.write_text("seeed = 1")
    assert main(["run", "--config", str(file)]) == 2
    assert capsys.readouterr().err == (
        f"metaclip-curate: {file} has seeed, which isn't an option: did you mean seed?\n"
    )
