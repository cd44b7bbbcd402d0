"""The parser's help and messages."""

from __future__ import annotations

from functools import partial

import pytest

from metaclip_curate.options.parser import OptionParser, did_you_mean


@pytest.fixture
def parser() -> OptionParser:
    parser = OptionParser("program", description="Does something.", examples=("read --number 3",))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    read = commands.add_parser("read", help="read a file", examples=("--number 3", "export X=$(%(prog)s)"))
    read.add_argument("--number", metavar="N", type=int)
    read.add_argument("--kind", choices=("old", "new"))
    commands.add_parser("write", help="write a file")
    parser.command_groups = {"to": ("write",), "from": ("read",)}
    return parser


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["raed"], "`program` has no command raed: did you mean read?"),
        (["xyz"], "`program` has no command xyz: `program --help` lists the commands"),
        (["read", "--nubmer", "3"], "--nubmer isn't an option of `program read`: did you mean --number?"),
        (["read", "--nubmer=3"], "--nubmer isn't an option of `program read`: did you mean --number?"),
        (["read", "--xyz"], "--xyz isn't an option of `program read`: `program read --help` lists its options"),
        (["read", "--num", "3"], "--num isn't an option of `program read`"),
        (["--vers"], "--vers isn't an option of `program`"),
        (["read", "file"], "unrecognized arguments: file"),
        (["read", "-x"], "unrecognized arguments: -x"),
        (["read", "--kind", "olt"], "argument --kind: must be one of old, new, not olt"),
        ([], "required: COMMAND"),
    ],
)
def test_a_mistake(parser: OptionParser, capsys: pytest.CaptureFixture[str], given: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(given)
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.startswith("usage: program")


def test_what_looks_like_an_option_and_is_a_value(parser: OptionParser) -> None:
    assert parser.parse_args(["read", "--number=-3"]).number == -3
    assert parser.parse_args(["read", "--number", "-3"]).number == -3


def test_the_help_has_commands_in_groups_and_examples(parser: OptionParser) -> None:
    text = parser.format_help()
    assert text.startswith("usage: program [options] COMMAND ...\n")
    assert text.index("to:\n  write") < text.index("from:\n  read") < text.index("options:\n")
    assert text.endswith("examples:\n  program read --number 3\n")
    read = parser.subparsers()["read"]
    assert read.format_help().endswith("examples:\n  program read --number 3\n  export X=$(program read)\n")
    assert read.format_usage() == "usage: program read [options]\n"


def test_a_suggestion_is_near() -> None:
    assert did_you_mean("--t-share", ["--tail-share", "--t"]) == "did you mean --tail-share?"
    assert did_you_mean("--z", ["--tail-share"]) == ""


def test_arguments_are_added_when_a_parser_is_used() -> None:
    added: list[str] = []
    parser = OptionParser("program")
    below = parser.add_subparsers()

    def add(name: str) -> None:
        added.append(name)
        commands[name].add_argument("--size")

    commands: dict[str, OptionParser] = {name: below.add_parser(name) for name in ("read", "write")}
    for name, command in commands.items():
        command.add_later(partial(add, name))
    assert parser.parse_args(["read", "--size", "3"]).size == "3"
    assert added == ["read"]
    assert "--size" in parser.subparsers()["write"].format_help()
    assert parser.parse_args(["write", "--size", "4"]).size == "4"
    assert added == ["read", "write"]
