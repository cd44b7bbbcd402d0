"""metaclip-curate threshold: its tables, the search, and mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.cli import main
from tests.support.finished_runs import contents

Rows = list[dict[str, Any]]
Made = tuple[Path, dict[str, Rows]]
pytestmark = pytest.mark.usefixtures("spark")


def test_the_tables_have_every_t(real: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(real)
    assert main(["threshold", "--run", str(real), "--t", "20,5", "--by-language", "--texts-per-image", "one"]) == 0
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines()]
    assert [line[0] for line in lines if line and line[0] in ("5", "20", "all")] == ["20", "5", "all"]
    assert sum(line[:1] == ["en"] for line in lines) == 2
    assert contents(real) == before


def test_a_search_says_how_exact_it_is(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["threshold", "--run", str(made[0]), "--target-pairs", "300"]) == 0
    printed = capsys.readouterr().out
    assert "no other t is closer" in printed
    assert main(["threshold", "--run", str(made[0]), "--target-pairs", "100000", "--same-t"]) == 0
    assert "it keeps all that can be drawn" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ([], "--target-pairs"),
        (["--t", "5", "--target-pairs", "7"], "give one of"),
        (["--t", "0"], "--t must be at least 1"),
        (["--target-pairs", "-4"], "--target-pairs must be at least"),
        (["--tail-share", "1.5"], "--tail-share"),
        (["--tail-share", "0.5", "--same-t"], "--same-t and --tail-share"),
        (["--t", "5", "--anchor-language", "xx"], "anchor language xx"),
    ],
)
def test_mistakes(made: Made, capsys: pytest.CaptureFixture[str], more: list[str], part: str) -> None:
    assert main(["threshold", "--run", str(made[0]), *more]) == 2
    assert part in capsys.readouterr().err


def test_a_list_that_is_none(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["threshold", "--run", str(made[0]), "--t", "5,x"])
    assert "--t" in capsys.readouterr().err


def test_a_run_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["threshold", "--run", str(tmp_path / "gone"), "--t", "5"]) == 2
    assert "has no finished stage extract" in capsys.readouterr().err
    assert main(["threshold", "--t", "5"]) == 2
    assert "--run is missing" in capsys.readouterr().err
    assert not (tmp_path / "gone").exists()
