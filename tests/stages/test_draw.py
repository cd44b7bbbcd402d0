"""Drawing from files equals the definition, row by row (specification, manifest)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate import balance
from metaclip_curate.options.draw import DrawOptions, TextsPerImage
from metaclip_curate.schemas import MATCHED
from metaclip_curate.stages import draw as stage
from metaclip_curate.stages.draw import DrawTask, draw_files
from metaclip_curate.stages.draw_rows import ORDERED
from metaclip_curate.stages.keep_probabilities import LanguageHead, Probabilities
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SEED = 11
ENTRIES = 5
HEAD = {
    "de": LanguageHead(ENTRIES, np.array([0, 3], dtype=np.int32), np.array([0.25, 0.125])),
    "en": LanguageHead(ENTRIES, np.array([1], dtype=np.int32), np.array([0.5])),
    "th": LanguageHead(ENTRIES, np.array([], dtype=np.int32), np.array([])),
}
IDS = [[0], [0, 3], [1], [3], [1, 2], [0, 1, 3], [4]]


def row(number: int) -> dict[str, Any]:
    """A matched pair; images have several texts, and languages alternate."""
    given: dict[str, Any] = {field.name: f"{field.name} {number % 7}" for field in MATCHED}
    uid = hashlib.blake2b(f"{number}".encode(), digest_size=16).hexdigest()
    return given | {
        "uid": uid,
        "image_id": f"{number // 3:024x}",
        "lang_score": 0.5,
        "metadata_lang": sorted(HEAD)[number % 3],
        "entry_ids": IDS[number % len(IDS)],
    }


def expected(rows: list[dict[str, Any]], texts: TextsPerImage) -> list[dict[str, Any]]:
    """The kept rows by uid."""
    if texts == "one":
        by_image: dict[str, dict[str, Any]] = {}
        for candidate in rows:
            key = balance.selection_keys([candidate["uid"]], SEED)[0]
            best = by_image.get(candidate["image_id"])
            if best is None or key < balance.selection_keys([best["uid"]], SEED)[0]:
                by_image[candidate["image_id"]] = candidate
        rows = list(by_image.values())
    kept = []
    for candidate in rows:
        every = HEAD[candidate["metadata_lang"]].all_probabilities()
        lost = 1.0
        for entry in candidate["entry_ids"]:
            lost *= 1 - every[entry]
        drawn = balance.draws([candidate["uid"]], SEED)[0]
        if drawn < 1 - lost:
            order = int(balance.order_keys([candidate["uid"]], SEED)[0] >> np.uint64(1))
            kept.append(candidate | {"keep_probability": 1 - lost, "draw": drawn, "order_key": order})
    return sorted(kept, key=lambda pair: str(pair["uid"]))


@pytest.mark.parametrize("texts", ["all", "one"])
def test_equals_the_definition(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: TextsPerImage
) -> None:
    rows = [row(number) for number in range(400)]
    files = []
    # An image's texts are spread over files, one of which is empty.
    for number, part in enumerate([rows[::2], [], rows[1::2]]):
        files.append(str(tmp_path / f"{number}.parquet"))
        pq.write_table(pa.Table.from_pylist(part, schema=MATCHED), files[-1], row_group_size=50)
    work = tmp_path / "kept"
    read, kept = draw_files(
        spark, DrawTask(files, HEAD, DrawOptions(seed=SEED, texts_per_image=texts), str(work), StorageOptions())
    )
    found = pq.read_table(work)
    wanted = expected(rows, texts)
    assert 50 < len(wanted) < 350
    assert (read, kept) == (400, len(wanted))
    assert found.schema.names == ORDERED.names
    assert sorted(found.to_pylist(), key=lambda pair: str(pair["uid"])) == wanted


@pytest.mark.parametrize("texts", ["all", "one"])
@pytest.mark.parametrize("files", [0, 1])
def test_nothing_to_draw_from(spark: SparkSession, tmp_path: Path, texts: TextsPerImage, files: int) -> None:
    names = [str(tmp_path / f"{number}.parquet") for number in range(files)]
    for name in names:
        pq.write_table(MATCHED.empty_table(), name)
    task = DrawTask(names, HEAD, DrawOptions(texts_per_image=texts), str(tmp_path / "kept"), StorageOptions())
    assert draw_files(spark, task) == (0, 0)
    assert pq.read_table(tmp_path / "kept").num_rows == 0


def test_batches_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do chosen rows at the edges of batches."""
    file = str(tmp_path / "matched.parquet")
    pq.write_table(pa.Table.from_pylist([row(number) for number in range(100)], schema=MATCHED), file)
    rows = np.array([0, 6, 7, 8, 13, 14, 99])
    found = []
    for size in (7, 1000):
        monkeypatch.setattr(stage, "_ROWS_PER_BATCH", size)
        task = DrawTask([file], HEAD, DrawOptions(), str(tmp_path / str(size)), StorageOptions())
        assert stage.draw_file(task, 0, rows)[0] == 100
        found.append(pq.read_table(tmp_path / str(size)).to_pylist())
    assert found[0] == found[1]
    assert found[0]


def test_probabilities_of_mixed_languages() -> None:
    batch = pa.RecordBatch.from_pylist([row(number) for number in range(42)], schema=MATCHED)
    alone = [Probabilities(HEAD).of(batch.slice(number, 1))[0] for number in range(42)]
    assert Probabilities(HEAD).of(batch).tolist() == alone
    assert len(set(alone)) > 3
