"""Balancing again after the download, against the oracle on the survivors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaclip_curate import balance, schemas
from metaclip_curate.errors import UserError
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.rebalance import RebalanceOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.pipelines.options import Options
from metaclip_curate.pipelines.rebalance import Rebalancing
from metaclip_curate.run.summaries import DownloadLosses
from metaclip_curate.storage import StorageOptions
from tests.support import downloads, made_run, oracle, runs

Rows = list[dict[str, Any]]
pytestmark = pytest.mark.usefixtures("spark")
STATUSES = ("success", "success", "success", "failed_to_download", "success", "failed_to_resize", None)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Rows]]:
    root = tmp_path_factory.mktemp("source") / "run"
    return root, made_run.write_run(root, made_run.matched_rows(images=600, seed=2), t=40, seed=2**64 - 1)


@pytest.fixture(scope="module")
def download(tmp_path_factory: pytest.TempPathFactory, source: tuple[Path, dict[str, Rows]]) -> Path:
    """Each image's bytes are those of two others; some pairs failed, some are nowhere."""
    folder = tmp_path_factory.mktemp("download") / "images"
    samples = []
    for number, row in enumerate(source[1]["manifest"]):
        status = STATUSES[number % len(STATUSES)]
        if status:
            content = str(int(row["image_id"], 16) % 400)
            samples.append(downloads.sample(row, number, status, content))
    downloads.write(folder, samples)
    return folder


def expected_survivors(manifest: Rows, drop_equal_images: bool) -> Rows:
    fetched = [row for number, row in enumerate(manifest) if STATUSES[number % len(STATUSES)] == "success"]
    if drop_equal_images:
        smallest: dict[int, str] = {}
        for row in fetched:
            content = int(row["image_id"], 16) % 400
            smallest[content] = min(row["uid"], smallest.get(content, "g"))
        fetched = [row for row in fetched if row["uid"] in smallest.values()]
    return [{name: row[name] for name in schemas.MATCHED.names} for row in fetched]


def rebalancing(root: Path, download: Path, output: Path, t: int = 5, **given: Any) -> Rebalancing:
    run = FinishedRun(str(root), "sample", StorageOptions(), RunOptions())
    return Rebalancing(
        run,
        RebalanceOptions(downloaded=(str(download),), **given),
        Options(run=RunOptions(output=str(output)), balance=BalanceOptions(t=t)),
        log=lambda line: None,
    )


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def again(
    tmp_path_factory: pytest.TempPathFactory, source: tuple[Path, dict[str, Rows]], download: Path
) -> tuple[Path, DownloadLosses]:
    """The run rebalanced; the run itself is looked at before and after."""
    before = files(source[0])
    output = tmp_path_factory.mktemp("again") / "run"
    made = rebalancing(source[0], download, output)
    losses = made.count()
    made.draw()
    assert files(source[0]) == before
    return output, losses


def assert_tables_are_the_oracles(output: Path, matched: Rows, seed: int, texts_per_image: str) -> None:
    counts = oracle.count(matched, made_run.METADATA)
    thresholds = oracle.thresholds(matched, counts, 5)
    manifest = oracle.manifest_rows(matched, counts, thresholds, seed, texts_per_image)
    assert runs.table(output, "matched") == sorted(matched, key=lambda row: row["uid"])
    assert runs.table(output, "counts") == counts
    assert runs.table(output, "manifest") == manifest
    assert 0 < len(manifest) < len(matched)
    for found, expected in zip(runs.table(output, "thresholds"), thresholds, strict=True):
        expected_pairs = expected.pop("expected_pairs")
        assert found == expected | {"expected_pairs": found["expected_pairs"]}
        if texts_per_image == "all":  # the oracle's are of all texts
            assert found["expected_pairs"] == pytest.approx(expected_pairs, rel=1e-12)


def test_tables_equal_the_oracles_on_the_survivors(
    source: tuple[Path, dict[str, Rows]], again: tuple[Path, DownloadLosses]
) -> None:
    output, losses = again
    matched = expected_survivors(source[1]["manifest"], False)
    # The run's seed was the largest there is, and the one after it is 0.
    assert_tables_are_the_oracles(output, matched, seed=0, texts_per_image="all")
    pairs = range(len(source[1]["manifest"]))
    lost = {"failed_to_download": 3, "failed_to_resize": 5, "missing": 6}
    expected = {status: sum(number % 7 == place for number in pairs) for status, place in lost.items()}
    assert losses == DownloadLosses(len(pairs), len(matched), expected, 0)
    assert losses.manifest == losses.survivors + sum(losses.lost.values())
    card = json.loads((output / "datacard.json").read_text())
    assert (card["pairs_in"], card["seed"]) == (len(matched), 0)
    assert card["options"]["match"]["rebalanced from"] == str(source[0])


def test_equal_images_and_another_draw(tmp_path: Path, source: tuple[Path, dict[str, Rows]], download: Path) -> None:
    made = rebalancing(source[0], download, tmp_path / "again", drop_equal_images=True, texts_per_image="one", seed=11)
    losses = made.count()
    made.draw()
    matched = expected_survivors(source[1]["manifest"], True)
    assert_tables_are_the_oracles(tmp_path / "again", matched, seed=11, texts_per_image="one")
    assert losses.lost["equal_image"] == len(expected_survivors(source[1]["manifest"], False)) - len(matched)


def test_it_goes_on_where_it_stopped(
    tmp_path: Path,
    source: tuple[Path, dict[str, Rows]],
    download: Path,
    again: tuple[Path, DownloadLosses],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(options: object) -> None:
        raise AssertionError("a session was asked for")

    before = files(again[0])
    with monkeypatch.context() as patched:
        patched.setattr("metaclip_curate.pipelines.workspace.get_session", refuse)
        patched.setattr("metaclip_curate.pipelines.finished_run.get_session", refuse)
        made = rebalancing(source[0], download, again[0])
        assert made.count() == again[1]
        made.draw()
    assert files(again[0]) == before


def test_other_options_are_an_error_that_names_the_option(
    tmp_path: Path, source: tuple[Path, dict[str, Rows]], download: Path, again: tuple[Path, DownloadLosses]
) -> None:
    with pytest.raises(UserError, match="--drop-equal-images False, and the command says True"):
        rebalancing(source[0], download, again[0], drop_equal_images=True).count()
    downloads.write(tmp_path / "other", [downloads.sample(source[1]["manifest"][0], 0, "success", "x")])
    with pytest.raises(UserError, match="--downloaded"):
        rebalancing(source[0], tmp_path / "other", again[0]).count()
    with pytest.raises(UserError, match="--t 5, and the command says 6"):
        rebalancing(source[0], download, again[0], t=6).draw()


def test_the_stages_that_were_taken_over_are_not_redone_by_their_commands(
    again: tuple[Path, DownloadLosses], mini_wats: list[Path], tmp_path: Path
) -> None:
    before = files(again[0])
    runs.write_metadata_for(mini_wats[:1], tmp_path / "metadata")
    pipeline = Pipeline(runs.options(again[0], mini_wats, tmp_path / "metadata"), log=lambda line: None)
    for stage in (pipeline.extract, pipeline.match, pipeline.count, pipeline.run):
        with pytest.raises(UserError, match=r"was made with|is another"):
            stage()
    assert files(again[0]) == before


def test_a_seed_draws_once(
    tmp_path: Path, source: tuple[Path, dict[str, Rows]], download: Path, again: tuple[Path, DownloadLosses]
) -> None:
    with pytest.raises(UserError, match=f"--seed {2**64 - 1} has drawn"):
        rebalancing(source[0], download, tmp_path / "third", seed=2**64 - 1)
    # What is rebalanced again has two draws behind it.
    for seed in (0, 2**64 - 1):
        with pytest.raises(UserError, match=f"--seed {seed} has drawn these pairs before"):
            rebalancing(again[0], download, tmp_path / "third", seed=seed)
    assert rebalancing(again[0], download, tmp_path / "third").draw_options.seed == 1


def test_the_run_itself_and_other_runs_are_no_output(
    tmp_path: Path, source: tuple[Path, dict[str, Rows]], download: Path
) -> None:
    with pytest.raises(UserError, match="is the run itself"):
        rebalancing(source[0], download, source[0] / ".." / "run")
    other = tmp_path / "other"
    made_run.write_run(other, made_run.matched_rows(images=20, seed=9))
    before = files(other)
    with pytest.raises(UserError, match="is another run"):
        rebalancing(source[0], download, other)
    assert files(other) == before


@pytest.mark.parametrize(
    ("without", "given", "message"),
    [
        (["uid"], {}, "no column uid: download again with --save_additional_columns"),
        (["status"], {}, "no column status"),
        (["sha256"], {"drop_equal_images": True}, "no column sha256: download again with --compute_hash"),
    ],
)
def test_columns_that_are_missing(
    tmp_path: Path, source: tuple[Path, dict[str, Rows]], without: list[str], given: dict[str, Any], message: str
) -> None:
    samples = [downloads.sample(row, 0, "success", "x") for row in source[1]["manifest"][:5]]
    downloads.write(tmp_path / "images", samples, without=without)
    with pytest.raises(UserError, match=message):
        rebalancing(source[0], tmp_path / "images", tmp_path / "again", **given).count()


def test_without_digests_equal_images_cannot_be_told_and_the_rest_works(
    tmp_path: Path, source: tuple[Path, dict[str, Rows]]
) -> None:
    samples = [downloads.sample(row, 0, "success", "x") for row in source[1]["manifest"][:5]]
    downloads.write(tmp_path / "images", samples, without=["sha256"])
    losses = rebalancing(source[0], tmp_path / "images", tmp_path / "again").count()
    assert (losses.survivors, losses.lost) == (5, {"missing": len(source[1]["manifest"]) - 5})


def test_folders_that_hold_no_download(tmp_path: Path, source: tuple[Path, dict[str, Rows]]) -> None:
    with pytest.raises(UserError, match="has no Parquet files"):
        rebalancing(source[0], tmp_path / "gone", tmp_path / "again")
    strangers = made_run.matched_rows(images=5, seed=99)
    downloads.write(tmp_path / "strangers", [downloads.sample(row, 0, "success", "x") for row in strangers])
    with pytest.raises(UserError, match=r"none of the \d+ samples in .*strangers is in the manifest"):
        rebalancing(source[0], tmp_path / "strangers", tmp_path / "again").count()
    failed = [downloads.sample(row, 0, "failed_to_download", "") for row in source[1]["manifest"]]
    downloads.write(tmp_path / "failed", failed)
    with pytest.raises(UserError, match=r"none of the images .* was fetched to .*failed \([\d,]+ failed_to_download\)"):
        rebalancing(source[0], tmp_path / "failed", tmp_path / "again").count()
    # The folder that these failed in can be used.
    good = [downloads.sample(row, 0, "success", "x") for row in source[1]["manifest"]]
    downloads.write(tmp_path / "good", [*good, downloads.sample(strangers[0], 0, "success", "y")], a_shard=10**6)
    losses = rebalancing(source[0], tmp_path / "good", tmp_path / "again").count()
    assert losses == DownloadLosses(len(good), len(good), {}, 1)


def test_a_shard_that_was_cut_off(tmp_path: Path, source: tuple[Path, dict[str, Rows]], download: Path) -> None:
    folder = tmp_path / "images"
    samples = [downloads.sample(row, 0, "success", "x") for row in source[1]["manifest"]]
    downloads.write(folder, samples, a_shard=40)
    broken = folder / "00003.parquet"
    broken.write_bytes(broken.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"00003\.parquet is damaged"):
        rebalancing(source[0], folder, tmp_path / "again").count()


def test_a_part_of_the_run_that_was_cut_off(
    tmp_path: Path, source: tuple[Path, dict[str, Rows]], download: Path
) -> None:
    shutil.copytree(source[0], tmp_path / "run")
    part = next((tmp_path / "run" / "manifest").rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(UserError, match=rf"{part.name} .*--again-from sample"):
        rebalancing(tmp_path / "run", download, tmp_path / "again").count()


def test_draws_of_neighbouring_seeds_have_nothing_in_common() -> None:
    uids = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:016x}" for number in range(50_000)]
    first, second = balance.draws(uids, 0), balance.draws(uids, 1)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
    # Of those that a first draw kept at 0.02, a second at 0.5 keeps half; with the same seed it would keep all.
    kept = first < 0.02
    assert (second[kept] < 0.5).mean() == pytest.approx(0.5, abs=0.06)
