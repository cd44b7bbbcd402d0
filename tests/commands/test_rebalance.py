"""metaclip-curate rebalance: what it prints, and that the commands take its folder as they take a run's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from metaclip_curate.cli import main
from tests.support import downloads, runs
from tests.support.finished_runs import contents

pytestmark = pytest.mark.usefixtures("spark")


def test_from_a_run_to_a_download_to_a_run(
    mini_wats: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    runs.write_metadata_for(mini_wats, tmp_path / "metadata", languages=runs.FEW_LANGUAGES)
    runs.run(run, mini_wats, tmp_path / "metadata")
    before = contents(run)
    rows: list[dict[str, Any]] = pq.read_table(run / "manifest").to_pylist()
    # In the order of the manifest every third image is gone, and the last ten were lost on the way.
    kept = [
        downloads.sample(row, number, "success" if number % 3 else "failed_to_download", row["url"])
        for number, row in enumerate(rows[:-10])
    ]
    downloads.write(tmp_path / "images", kept)
    output = str(tmp_path / "again")
    given = ["--run", str(run), "--downloaded", str(tmp_path / "images"), "--output", output]

    assert main(["rebalance", *given, "--count-only"]) == 0
    printed = capsys.readouterr().out
    assert "failed to download" in printed
    assert f"metaclip-curate threshold --run {output}" in printed
    assert main(["threshold", "--run", output, "--target-pairs", str(len(rows) // 2)]) == 0
    assert "is expected to keep" in capsys.readouterr().out

    assert main(["rebalance", *given, "--t", "8"]) == 0
    printed = capsys.readouterr().out
    assert "the downloaded pairs were found before" in printed
    manifest = {row["uid"] for row in runs.table(tmp_path / "again", "manifest")}
    fetched = {sample["uid"] for sample in kept if sample["status"] == "success"}
    assert manifest < fetched
    assert str(len(manifest)) in printed.replace(",", "")

    assert main(["rebalance", *given, "--t", "9"]) == 2
    assert "--t 8, and the command says 9" in capsys.readouterr().err
    assert main(["rebalance", *given, "--t", "9", "--again-from", "balance"]) == 0
    assert manifest <= {row["uid"] for row in runs.table(tmp_path / "again", "manifest")}

    # The run's own stages go on in the new folder with the options that it was made with, and say that all is done.
    capsys.readouterr()
    assert main(["balance", "--output", output, "--t", "9"]) == 0
    assert main(["sample", "--output", output, "--seed", "1"]) == 0
    assert capsys.readouterr().out.count("done before") == 3
    assert contents(run) == before


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ([], "--downloaded is missing"),
        (["--downloaded", "GONE", "--output", "OUT"], "has no Parquet files"),
        (["--downloaded", "GONE"], "--output is missing"),
        (["--downloaded", "GONE", "--output", "OUT", "--seed", "-1"], "--seed must be"),
    ],
)
def test_mistakes(
    made: tuple[Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], part: str
) -> None:
    places = {"GONE": str(tmp_path / "gone"), "OUT": str(tmp_path / "out")}
    assert main(["rebalance", "--run", str(made[0]), *(places.get(each, each) for each in more)]) == 2
    assert part in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
