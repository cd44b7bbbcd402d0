"""Matched images, drawn anew in each epoch: from a download, against the oracle's manifests."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.images.download import Download
from metaclip_curate.options.download import DownloadOptions
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.schemas import MATCHED
from metaclip_curate.trainer import CuratedPairs
from metaclip_curate.trainer.data.selection import derived_seed
from tests.support import oracle, served_run
from tests.support.servers.faulty_http import FaultyHTTPServer

Rows = list[dict[str, Any]]
_TEXT = ("uid", "text", "lang", "metadata_lang", "entry_ids")
_TEXT_TYPE = pa.struct([MATCHED.field(name) for name in _TEXT])
IMAGES = pa.schema(
    [MATCHED.field("image_id"), MATCHED.field("url"), MATCHED.field("text"), ("texts", pa.list_(_TEXT_TYPE))]
)


def write_images(matched: Rows, folder: str) -> None:
    """What `stages.images` writes."""
    by_image: dict[str, Rows] = {}
    for row in sorted(matched, key=lambda row: (row["image_id"], row["uid"])):
        by_image.setdefault(row["image_id"], []).append(row)
    images = [
        {
            "image_id": image,
            "url": rows[0]["url"],
            "text": rows[0]["text"],
            "texts": [{name: row[name] for name in _TEXT} for row in rows],
        }
        for image, rows in by_image.items()
    ]
    Path(folder).mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(images, schema=IMAGES), Path(folder) / "part-00000.parquet")


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Rows]]:
    """A run, the shards of all its matched images, and its rows."""
    root = tmp_path_factory.mktemp("online")
    with FaultyHTTPServer() as server, pytest.MonkeyPatch.context() as patch:
        for name in ("no_proxy", "NO_PROXY"):
            patch.setenv(name, "127.0.0.1,localhost")
        tables = served_run.write_run(root / "run", server, images=150, t=8, faulty=False)
        options = DownloadOptions(
            str(root / "images"), "matched", processes=1, threads=8, image_size=16, allow_private_addresses=True
        )
        outcome = Download(
            RunFolder(str(root / "run")), options, lambda folder: write_images(tables["matched"], folder)
        ).run()
        # Each image is asked for once, however many texts it has.
        assert outcome.fetched == outcome.rows == len({row["image_id"] for row in tables["matched"]})
        assert max(Counter(request.path for request in server.requests).values()) == 1
    return root / "run", root / "images", tables


def test_an_epoch_is_a_manifest_of_its_own_seed(downloaded: tuple[Path, Path, dict[str, Rows]]) -> None:
    run, images, tables = downloaded
    dataset = CuratedPairs.online(str(images), str(run), seed=9)
    sizes = []
    for epoch in range(12):
        dataset.move_to(epoch)
        manifest = oracle.manifest_rows(
            tables["matched"], tables["counts"], tables["thresholds"], derived_seed(9, epoch, 0), "one"
        )
        expected = {row["uid"]: row for row in manifest}
        sizes.append(len(expected))
        assert dataset.epoch_size() == len(expected)
        if epoch < 2:
            pairs = {pair.uid: pair for pair in dataset}
            assert set(pairs) == set(expected)
            for uid, pair in pairs.items():
                assert (pair.text, pair.language) == (expected[uid]["text"], expected[uid]["metadata_lang"])
    assert len(set(sizes)) > 1
    assert sum(sizes) / len(sizes) == pytest.approx(dataset.expected_epoch_size, rel=0.06)
    # The drawing of the run's own summary: what the paper calls the expected size, with one text an image.
    assert dataset.expected_epoch_size < len({row["image_id"] for row in tables["matched"]})


def test_without_a_run_each_image_is_used_with_one_of_its_texts(
    downloaded: tuple[Path, Path, dict[str, Rows]],
) -> None:
    _, images, tables = downloaded
    image_of = {row["uid"]: row["image_id"] for row in tables["matched"]}
    dataset = CuratedPairs.offline(str(images))
    first = {image_of[pair.uid]: pair.uid for pair in dataset}
    assert len(first) == dataset.epoch_size() == len(set(image_of.values()))
    dataset.move_to(1)
    assert {image_of[pair.uid]: pair.uid for pair in dataset} != first


def test_a_run_without_thresholds(downloaded: tuple[Path, Path, dict[str, Rows]], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no finished stage balance"):
        CuratedPairs.online(str(downloaded[1]), str(tmp_path))
