"""Lists as `metadata show` describes them, with the numbers of the build and of the papers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metaclip_curate.cli import main
from metaclip_curate.metadata.building.merge import Candidates, MergedList
from metaclip_curate.metadata.building.source_report import SourceReport
from metaclip_curate.metadata.lists.writer import BUILD, entries_file, record_sources, write_list, write_table
from metaclip_curate.storage import StorageOptions

STORAGE = StorageOptions()


def built(folder: Path, language: str, *sources: tuple[str, str, list[str], int]) -> None:
    merged, reports = MergedList(), []
    for name, wikipedia, entries, limit in sources:
        scores = (
            None if name in ("numbers", "wordnet") else [float(len(entries) - rank) for rank in range(len(entries))]
        )
        taken = merged.add(Candidates(name, entries, scores, limit, wikipedia))
        reports.append(SourceReport(name, wikipedia, len(entries), taken).as_dict())
    write_table(entries_file(str(folder), language), merged.table(), STORAGE)
    section = write_list(str(folder), language, merged.entries, "json", STORAGE)
    section |= {"made_by": BUILD, "sources": reports, "warnings": ["a warning"]}
    record_sources(str(folder), language, section, {}, STORAGE)


def shown(folder: Path, capsys: pytest.CaptureFixture[str], *given: str) -> str:
    assert main(["metadata", "show", "--metadata", str(folder), *given]) == 0
    return capsys.readouterr().out


def test_english_is_compared_with_the_papers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built(tmp_path, "en", ("numbers", "", ["0", "1"], 9), ("wordnet", "", ["dog"], 9), ("titles", "en", [], 9))
    text = shown(tmp_path, capsys)
    rows = [line.split() for line in text.splitlines()]
    assert ["numbers", "and", "wordnet", "3", "86,654"] in rows
    assert ["unigrams", "0", "251,465"] in rows
    assert ["all", "3", "500,000"] in rows
    # A source of which nothing was taken has a line, too.
    assert ["en", "titles", "0", "9", "0", "0.0%"] in rows
    assert "warning: en: a warning" in text


def test_each_wikipedia_is_a_source_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unigrams = [("unigrams", "gan", ["狗", "貓"], 1), ("unigrams", "zh", ["魚", "狗"], 9)]
    built(tmp_path, "zh", ("numbers", "", ["0"], 9), *unigrams)
    (found,) = json.loads(shown(tmp_path, capsys, "--json"))
    assert [(each["name"], each["wikipedia"], each["entries"], each["candidates"]) for each in found["sources"]] == [
        ("numbers", "", 1, 1),
        ("unigrams", "gan", 1, 2),
        ("unigrams", "zh", 1, 2),
    ]
    assert (found["sources"][1]["also_in"], found["sources"][2]["last"]) == ({"unigrams of zh": 1}, "狗")
    assert (found["paper"], found["warnings"]) == ({}, ["a warning"])
    assert "unigrams of gan" in shown(tmp_path, capsys)
    # The numbers of a build don't describe a list that was edited later.
    (tmp_path / "zh.json").write_text(json.dumps(["0", "狗"]), encoding="utf-8")
    (tmp_path / "entries" / "zh.parquet").unlink()
    (found,) = json.loads(shown(tmp_path, capsys, "--json"))
    assert [(each["name"], each["candidates"]) for each in found["sources"]] == [("unknown", None)]
