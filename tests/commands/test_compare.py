"""metaclip-curate compare: against the two manifests as sets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.cli import main
from metaclip_curate.commands.compare import distinguished, only_in
from metaclip_curate.inspect.compare import Difference, differences
from metaclip_curate.run import folder_names
from tests.support import made_run

Rows = list[dict[str, Any]]


def write_run(root: Path, images: int, t: int, seed: int = 0) -> dict[str, Rows]:
    rows = made_run.write_run(root, made_run.matched_rows(images, seed=7), t=t, seed=seed)
    languages = [
        {
            "metadata_lang": row["metadata_lang"],
            "t": row["t"],
            "pairs_in": row["pairs"],
            "pairs_out": sum(kept["metadata_lang"] == row["metadata_lang"] for kept in rows["manifest"]),
            "head_matches_out": 3,
            "tail_matches_out": 1,
        }
        for row in rows["thresholds"]
    ]
    datacard = {
        "format": 1,
        "seed": seed,
        "options": {"balance": {"t": t}},
        "languages": languages,
        "command": str(root),
    }
    (root / folder_names.DATACARD).write_text(json.dumps(datacard))
    return rows


@pytest.mark.usefixtures("spark")
def test_pairs_gained_and_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = write_run(tmp_path / "a", 120, t=20), write_run(tmp_path / "b", 150, t=5)
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert found["differences"] == [{"name": "options.balance.t", "before": 20, "after": 5}]
    mine = {row["uid"]: row for row in before["manifest"]}
    theirs = {row["uid"]: row for row in after["manifest"]}
    for row in found["languages"]:
        language = row["metadata_lang"]
        a = {uid for uid, each in mine.items() if each["metadata_lang"] == language}
        b = {uid for uid, each in theirs.items() if each["metadata_lang"] == language}
        assert (row["both"], row["lost"], row["gained"]) == (len(a & b), len(a - b), len(b - a))
        changed = sum(mine[uid]["keep_probability"] != theirs[uid]["keep_probability"] for uid in a & b)
        assert row["other_probability"] == changed
        assert row["kept"] == [len(a), len(b)]
        assert row["head_share"] == [0.75, 0.75]
    assert sum(row["lost"] for row in found["languages"]) > 0
    assert sum(row["gained"] for row in found["languages"]) > 0
    assert [row["uid"] for row in found["pairs"] if row["side"] == "lost"] == sorted(set(mine) - set(theirs))[:5]
    assert [row["uid"] for row in found["pairs"] if row["side"] == "gained"] == sorted(set(theirs) - set(mine))[:5]
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^ +a +b$", printed, re.MULTILINE)
    assert "options.balance.t" in printed
    assert re.search(r"in both +only in a +only in b +keep probability changed", printed)
    lost, gained = len(set(mine) - set(theirs)), len(set(theirs) - set(mine))
    assert f"only in a: {lost:,} pairs, the first 5 by uid\n" in printed
    assert f"only in b: {gained:,} pairs, the first 5 by uid\n" in printed
    assert len(re.findall(r"^  [0-9a-f]{32}  ", printed, re.MULTILINE)) == 10
    assert f"{len(mine):,} -> {len(theirs):,}" in printed
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "a")]) == 0
    assert "The data cards are the same." in capsys.readouterr().out


def test_the_heading_of_examples_has_the_number_of_all() -> None:
    assert only_in("runs/a", 5, 1_229) == "\nonly in runs/a: 1,229 pairs, the first 5 by uid"
    assert only_in("a", 1, 1) == "\nonly in a: 1 pair"


@pytest.mark.parametrize(
    ("roots", "names"),
    [
        (("runs/t20", "runs/t50/"), ("t20", "t50")),
        (("s3://bucket/a/run", "s3://bucket/b/run"), ("a/run", "b/run")),
        (("run", "elsewhere/run"), ("run", "elsewhere/run")),
        (("runs/t20", "runs/t20"), ("t20", "t20")),
        (("/a", "/a/b"), ("a", "a/b")),
    ],
)
def test_folders_are_named_without_what_they_share(roots: tuple[str, str], names: tuple[str, str]) -> None:
    assert distinguished(*roots) == names


def test_fields_that_one_card_lacks() -> None:
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}, "d": [3]}) == [
        Difference("a.c", 2, None),
        Difference("d", None, [3]),
    ]
    assert differences({"command": "x", "languages": [1]}, {"command": "y", "languages": []}) == []


def test_a_run_that_is_not_finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    assert "has no finished stage extract" in capsys.readouterr().err
