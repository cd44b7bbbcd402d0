"""Options from a TOML file."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from metaclip_curate.commands.stages import STAGE_OPTIONS
from metaclip_curate.errors import UserError
from metaclip_curate.options.config_file import merge_config, read_config

GROUPS = STAGE_OPTIONS["run"]


def written(folder: Path, text: str) -> str:
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_values_are_those_of_the_fields(tmp_path: Path) -> None:
    text = 'input = ["a,b.wat", "c"]\ntail-share = 1\nt = 5\nsame-t = true\nentry-spacing = "metaclip1"\noutput = "o"'
    assert read_config(written(tmp_path, text), GROUPS) == {
        "extract.input": ("a,b.wat", "c"),
        "balance.tail_share": 1.0,
        "balance.t": 5,
        "balance.same_t": True,
        "match.entry_spacing": "metaclip1",
        "run.output": "o",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tail-shar = 0.1", "has tail-shar, which isn't an option: did you mean tail-share?"),
        ("tail_share = 0.1", "has tail_share, which isn't an option: did you mean tail-share?"),
        ("xyz = 1", "has xyz, which isn't an option: --help lists the options"),
        ("[balance]\nt = 1", "has balance, which isn't an option"),
        ("t = 1.5", "t must be a whole number, not 1.5"),
        ("t = true", "t must be a whole number, not true"),
        ('t = "5"', "t must be a whole number, not '5'"),
        ("tail-share = true", "tail-share must be a number, not true"),
        ("same-t = 1", "same-t must be true or false, not 1"),
        ("metadata = 1", "metadata must be a string, not 1"),
        ('input = "a"', "input must be a list of strings in brackets, not 'a'"),
        ("input = [1]", "input must be a list of strings in brackets"),
        ('entry-spacing = "no"', "entry-spacing must be one of metaclip2, metaclip1, symmetric, kana, not 'no'"),
        ("t = {a = 1}", "t must be a whole number, not a table"),
        ("t = ", "isn't TOML"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_files_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        read_config(written(tmp_path, text), GROUPS)
    assert message in str(error.value)
    assert "run.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--config .*gone\.toml can't be read \(No such file or directory\)"):
        read_config(str(tmp_path / "gone.toml"), GROUPS)
    (tmp_path / "binary.toml").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"binary\.toml isn't TOML"):
        read_config(str(tmp_path / "binary.toml"), GROUPS)


def test_the_command_line_takes_precedence() -> None:
    parsed = argparse.Namespace(**{"balance.t": 5})
    merge_config(parsed, {"balance.t": 7, "draw.seed": 3})
    assert vars(parsed) == {"balance.t": 5, "draw.seed": 3}
