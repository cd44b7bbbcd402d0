"""What a command prints."""

from __future__ import annotations

import json

import pytest

from metaclip_curate.commands.output import log_of, print_blocks, print_json, print_paths
from metaclip_curate.options.printing import PrintOptions


def test_messages_do_not_mix_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    log_of(PrintOptions(json=True))("a\x1b[31m")
    log_of(PrintOptions())("b")
    assert capsys.readouterr() == ("b\n", "a\\x1b[31m\n")


def test_json_keeps_texts(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": "猫"})
    print_json({"text": "猫"}, ensure_ascii=True)
    printed = capsys.readouterr().out
    assert "猫" in printed
    assert "\\u732b" in printed
    assert json.loads(printed.split("}\n")[0] + "}") == {"text": "猫"}


def test_blocks_and_paths(capsys: pytest.CaptureFixture[str]) -> None:
    print_blocks("one", "two")
    print_paths("s3://b/run", ["pairs", "run.json"])
    lines = ["", "one", "", "two", "", "pairs          s3://b/run/pairs", "run.json       s3://b/run/run.json", ""]
    assert capsys.readouterr().out.split("\n") == lines
