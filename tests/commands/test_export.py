"""metaclip-curate export: what the reference's loader and DataComp's resharder would read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaclip_curate.cli import main
from metaclip_curate.options.export import ExportOptions
from metaclip_curate.pipelines.export import export
from metaclip_curate.stages.after import export as stage
from tests.support import oracle
from tests.support.finished_runs import contents, opened

Rows = list[dict[str, Any]]
Made = tuple[Path, dict[str, Rows]]
pytestmark = pytest.mark.usefixtures("spark")


def test_the_references_loader_finds_every_text_and_probability(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(made[0])
    output = tmp_path / "export"
    given = ["--run", str(made[0]), "--output", str(output), "--images-per-shard", "40"]
    assert main(["export", *given]) == 0
    assert str(output) in capsys.readouterr().out
    assert contents(made[0]) == before
    summary = json.loads((output / "export.json").read_text())
    matched, thresholds = made[1]["matched"], made[1]["thresholds"]
    images = {row["image_id"] for row in matched}
    assert (summary["shards"], summary["images"], summary["texts"]) == (13, len(images), len(matched))

    found = []
    probabilities = {
        row["metadata_lang"]: np.load(output / "per_lang_t" / f"20_{row['metadata_lang']}.npy") for row in thresholds
    }
    for shard in range(summary["shards"]):
        texts_of = json.loads((output / "pkg_json" / "0" / f"{shard}.json").read_text())
        for image_id, texts in texts_of.items():
            assert int(image_id[:15], 16) % summary["shards"] == shard
            for text, language, entry_ids in texts:
                kept = 1.0 - np.prod(1.0 - probabilities[language][entry_ids])
                found.append((image_id, text, language, entry_ids, kept))
    counts = oracle.counts_by_language(made[1]["counts"])
    t_of = {row["metadata_lang"]: row["t"] for row in thresholds}
    expected = [
        (
            row["image_id"],
            row["text"],
            row["metadata_lang"],
            row["entry_ids"],
            oracle.keep_probability(row["entry_ids"], counts[row["metadata_lang"]], t_of[row["metadata_lang"]]),
        )
        for row in matched
    ]
    assert [row[:4] for row in sorted(found)] == [row[:4] for row in sorted(expected)]
    assert np.allclose([row[4] for row in sorted(found)], [row[4] for row in sorted(expected)], rtol=1e-12)
    for language, array in probabilities.items():
        assert array.dtype == np.float64
        assert array.tolist() == [oracle.entry_probability(n, t_of[language]) for n in counts[language]]
        assert summary["languages"][language] == {"t": t_of[language], "entries": len(array)}


def test_shards_without_an_image_are_there(made: Made, tmp_path: Path) -> None:
    options = ExportOptions(output=str(tmp_path / "export"), images_per_shard=1)
    summary = export(opened(made[0], "balance"), options)
    files = {path.name for path in (tmp_path / "export" / "pkg_json" / "0").iterdir()}
    assert files == {f"{shard}.json" for shard in range(summary["shards"])}
    shards = [json.loads(path.read_text()) for path in (tmp_path / "export" / "pkg_json").rglob("*.json")]
    assert {} in shards
    assert sum(map(len, shards)) == summary["images"]


@pytest.mark.parametrize("uids_a_part", [1_000_000, 3])
def test_the_resharder_gets_sorted_uids(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uids_a_part: int
) -> None:
    monkeypatch.setattr(stage, "_UIDS_A_PART", uids_a_part)
    output = tmp_path / "export"
    assert main(["export", "--run", str(made[0]), "--output", str(output), "--format", "datacomp"]) == 0
    uids = np.load(output / "uids.npy", allow_pickle=False)
    assert uids.dtype == np.dtype("u8,u8")
    expected = sorted(row["uid"] for row in made[1]["manifest"])
    assert [f"{first:016x}{last:016x}" for first, last in uids.tolist()] == expected
    assert sorted(path.name for path in output.iterdir()) == ["export.json", "uids.npy"]


@pytest.mark.parametrize(("uids", "digits"), [(0, 0), (1_000_000, 0), (1_000_001, 1), (400_000_000, 3)])
def test_parts_are_of_a_size_that_a_worker_sorts(uids: int, digits: int) -> None:
    assert stage.prefix_digits(uids) == digits


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ([], "--output is missing"),
        (["--output", "OUT", "--images-per-shard", "0"], "--images-per-shard"),
        (["--output", "FULL"], "isn't empty"),
    ],
)
def test_mistakes(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], part: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    places = {"OUT": str(tmp_path / "out"), "FULL": str(tmp_path / "full")}
    assert main(["export", "--run", str(made[0]), *(places.get(each, each) for each in more)]) == 2
    assert part in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("table", "format"), [("counts", "metaclip"), ("matched", "metaclip"), ("manifest", "datacomp")]
)
def test_a_part_that_was_cut_off_is_named(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, format: str
) -> None:
    shutil.copytree(made[0], tmp_path / "run")
    part = next((tmp_path / "run" / table).rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-100])
    given = ["--run", str(tmp_path / "run"), "--output", str(tmp_path / "out"), "--format", format]
    assert main(["export", *given]) == 2
    said = capsys.readouterr().err
    assert f"/{table}/" in said
    assert part.name in said
    assert "--again-from" in said
