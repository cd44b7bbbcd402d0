"""A run folder with a damaged file: the command names the file and what to do; and texts that a terminal would obey."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.cli import main
from tests.support import made_run
from tests.test_cli import assert_one_sentence

Made = tuple[Path, dict[str, list[dict[str, Any]]]]
Damage = Callable[[bytes], bytes]


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    changed = bytearray(data)
    for place in range(200, len(changed) - 8, 200):
        changed[place] ^= 0xFF
    return bytes(changed)


def _emptied(data: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [_cut, _flipped, _emptied])
@pytest.mark.parametrize(("table", "stage"), [("matched", "match"), ("counts", "count"), ("manifest", "sample")])
def test_a_damaged_part_is_named(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Damage, table: str, stage: str
) -> None:
    root = Path(shutil.copytree(made[0], tmp_path / "run"))
    uid = made[1]["manifest"][0]["uid"]
    part = sorted((root / table).rglob("*.parquet"))[0]
    part.write_bytes(damage(part.read_bytes()))
    assert main(["browse", "--run", str(root), "--language", "en", "--dropped"]) == 2
    assert_one_sentence(capsys, str(part), f"--again-from {stage}")
    if table != "counts":
        assert main(["explain", "--run", str(root), "--uid", uid]) == 2
        assert_one_sentence(capsys, str(part))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is none"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format": 1}', "damaged"),
        ('{"format": 9}', "9"),
    ],
)
@pytest.mark.parametrize("command", [["datacard", "--run"], ["compare", "{}"]])
def test_a_damaged_data_card_is_named(
    made: Made,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    says: str,
    command: list[str],
) -> None:
    root = Path(shutil.copytree(made[0], tmp_path / "run"))
    if content is None:
        (root / "datacard.json").unlink(missing_ok=True)
    else:
        (root / "datacard.json").write_text(content)
    assert main([*(word.format(root) for word in command), str(root)]) == 2
    assert_one_sentence(capsys, "datacard.json", says)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose texts and names a terminal would obey."""
    root = tmp_path_factory.mktemp("hostile") / "run"
    rows = made_run.matched_rows(images=20, seed=1)
    for row in rows:
        row["text"] = "\x1b]0;owned\x07\u202egpj." + row["text"]
        row["source_file"] = "a\x1b[2J\nforged: line.wat.gz"
    made_run.write_run(root, rows, t=1000)
    return root


@pytest.mark.parametrize("command", ["browse", "explain"])
def test_texts_reach_the_terminal_escaped(hostile: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main(["browse", "--run", str(hostile), "--language", "en", "-n", "1", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["text"].startswith("\x1b]0;owned\x07\u202e")
    arguments = ["--uid", row["uid"]] if command == "explain" else ["--language", "en"]
    assert main([command, "--run", str(hostile), *arguments]) == 0
    printed = capsys.readouterr().out
    assert r"\x1b]0;owned\x07\u202egpj." in printed
    assert not {"\x1b", "\x07", "\u202e"} & set(printed)
    assert not any(line.startswith("forged") for line in printed.splitlines())
