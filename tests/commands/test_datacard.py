"""metaclip-curate datacard: a README that the Hugging Face library reads, and the page about the data card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from metaclip_curate.cli import main
from metaclip_curate.console.text_table import number
from metaclip_curate.errors import UserError
from metaclip_curate.options.datacard import DatacardOptions
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import funnel
from metaclip_curate.run.stages import STAGES
from metaclip_curate.schemas import MANIFEST
from tests.conftest import ROOT
from tests.support import runs


@pytest.fixture
def published(real: Path, tmp_path: Path) -> Path:
    shutil.copytree(real, tmp_path / "balanced")
    assert main(["datacard", "--run", str(tmp_path / "balanced")]) == 0
    return tmp_path / "balanced"


def test_the_folder_loads_as_a_data_set(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    loaded = datasets.load_dataset(str(published), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.column_names == MANIFEST.names
    assert sorted(loaded["uid"]) == sorted(row["uid"] for row in runs.table(published, "manifest"))


@pytest.mark.parametrize("name", ["a b", "-a", "a.", "a--b", "a..b", "a.git", "a/b", "ä", "a" * 97])
def test_what_no_hugging_face_data_set_can_be_named_is_refused(name: str) -> None:
    with pytest.raises(HFValidationError):
        validate_repo_id(name if "/" not in name else f"ORGANISATION/{name}")
    with pytest.raises(UserError, match="can't be the name of a Hugging Face data set"):
        DatacardOptions(name)


@pytest.mark.parametrize("name", ["captions-2025-30", "a", "_a_", "A.b", "a" * 96])
def test_names_of_hugging_face_data_sets(name: str) -> None:
    validate_repo_id(name)
    assert DatacardOptions(name).name == name


def test_a_readme_of_the_users_stays(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datacard", "--run", str(published)]) == 0
    (published / "README.md").write_text("# My notes\n")
    assert main(["datacard", "--run", str(published)]) == 2
    assert "README.md exists, and `datacard` didn't write it" in capsys.readouterr().err
    assert (published / "README.md").read_text() == "# My notes\n"


def test_a_removal_writes_the_readme_again_unless_it_was_edited(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = published / "README.md"
    uids = [row["uid"] for row in runs.table(published, "manifest")]
    assert main(["datacard", "--run", str(published), "--name", "captions"]) == 0

    def remove(uid: str) -> str:
        (tmp_path / "uids").write_text(uid)
        command = ["remove", "--run", str(published), "--uid", str(tmp_path / "uids"), "--reason", "asked for"]
        assert main(command) == 0
        return capsys.readouterr().out

    assert "README.md is written again" in remove(uids[0])
    text = readme.read_text(encoding="utf-8")
    assert f"\n# captions\n\n{len(uids) - 1:,} pairs of an image URL" in text
    assert "| – taken down after the draw | 1 |" in text
    readme.write_text(f"{text}\nMy notes.\n", encoding="utf-8")
    assert "README.md has the numbers from before" in remove(uids[1])
    assert readme.read_text(encoding="utf-8").endswith("\nMy notes.\n")


def test_a_manifest_that_was_changed_is_not_published(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(published / "manifest" / "part-00000.parquet", published / "manifest" / "part-00000 (1).parquet")
    assert main(["datacard", "--run", str(published)]) == 2
    assert "(1).parquet was not written by this run" in capsys.readouterr().err


def test_the_readme_has_the_data_cards_numbers(published: Path, real: Path) -> None:
    text = (published / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---\n")[1])
    datacard = json.loads((real / "datacard.json").read_text())
    assert head["pretty_name"] == "balanced"
    assert head["size_categories"] == ["n<1K"]
    assert set(head["language"]) == {row["metadata_lang"] for row in datacard["languages"] if row["pairs_out"]}
    assert head["configs"][0]["data_files"][0]["path"] == "manifest/*.parquet"
    for part in (
        f"{datacard['pairs_out']:,} pairs",
        f"{datacard['inputs']['dropped_opt_out']:,} image links",
        datacard["command"],
    ):
        assert part in text
    for step in funnel(RunFolder(str(real)), STAGES).steps:
        assert f"{step.name} | {number(step.value)} |" in text
    for name in MANIFEST.names:
        assert f"| `{name}` |" in text
    for digest in datacard["metadata"]["sha256"].values():
        assert digest in text


def test_every_field_of_the_data_card_is_documented(real: Path) -> None:
    page = (ROOT / "docs" / "datacard.md").read_text(encoding="utf-8")
    datacard = json.loads((real / "datacard.json").read_text())
    missing = [name for name in _names(datacard) if f"`{name}`" not in page]
    assert missing == []


def _names(datacard: dict[str, Any]) -> Iterator[str]:
    yield from datacard
    yield from datacard["inputs"]
    yield from datacard["languages"][0]
    yield from (f"options.{stage}" for stage in datacard["options"])
    yield from datacard["metadata"]
