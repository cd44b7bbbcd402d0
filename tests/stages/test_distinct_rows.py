"""Rows on their way from files of pairs to files of distinct pairs, without Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.language import LabelRule
from metaclip_curate.schemas import DISTINCT, PAIRS, kept_columns, with_kept
from metaclip_curate.stages import distinct_rows
from tests.support import oracle


class Identifier:
    """Takes a text's first word for its label."""

    def identify(self, texts: Any) -> tuple[pa.Array, pa.Array]:
        words = [text.split()[0] for text in texts.to_pylist()]
        return pa.array(words), pa.array([0.25 if word == "x" else 0.75 for word in words], pa.float32())


def pairs_of(texts: list[str]) -> list[dict[str, Any]]:
    rows = []
    for number, text in enumerate(texts):
        url = f"https://images.example/{number}.jpg"
        ids = {"uid": oracle.uid_of(url, text), "image_id": oracle.image_id_of(url), "url": url, "text": text}
        page = {"page_url": f"https://pages.example/{number // 3}", "page_lang": "de-at" if number % 2 else ""}
        origin = {
            "license": "",
            "source_id": "",
            "crawl": "C",
            "source_file": f"file {number // 5}",
            "text_source": "alt",
        }
        rows.append({**ids, **page, **origin})
    return rows


TEXTS = [f"{word} {number}" for number in range(40) for word in ("en", "x", "th")]


def labelled(rows: list[dict[str, Any]]) -> pa.Table:
    return distinct_rows.labelled(pa.Table.from_pylist(rows, schema=PAIRS), Identifier())  # type: ignore[arg-type]


@pytest.mark.parametrize("chosen", [[], [0], [3, 4, 5, 39], list(range(40))])
def test_chosen_rows_are_read_from_their_row_groups(tmp_path: Path, chosen: list[int]) -> None:
    rows = pairs_of(TEXTS[:40])
    pq.write_table(pa.Table.from_pylist(rows, schema=PAIRS), tmp_path / "a.parquet", row_group_size=7)
    with pq.ParquetFile(tmp_path / "a.parquet", read_dictionary=list(distinct_rows.READ_AS_DICTIONARY)) as file:
        if chosen:
            found = distinct_rows.chosen_rows(file, np.array(chosen))
            assert found.to_pylist() == [rows[number] for number in chosen]
            assert labelled([]).num_rows == 0


@pytest.mark.parametrize("piece", [1, 50, 1200])
def test_what_is_packed_is_unpacked(piece: int) -> None:
    rows = labelled(pairs_of(TEXTS * 10)).combine_chunks().to_batches()[0]
    packed = [distinct_rows.pack(rows.slice(start, piece)) for start in range(0, rows.num_rows, piece)]
    found = pa.concat_tables(distinct_rows.unpack(map(pa.py_buffer, packed)), promote_options="permissive")
    assert found.to_pylist() == rows.to_pylist()


def test_kept_columns_of_a_pool_go_along(tmp_path: Path) -> None:
    kept = kept_columns(["score", "tags", "url"], ["double", "list of string", "string"])
    own = [{"score": n / 8, "tags": ["a"] * (n % 3) or None, "pool_url": "x"} for n in range(40)]
    rows = [{**row, **more} for row, more in zip(pairs_of(TEXTS[:40]), own, strict=True)]
    pq.write_table(pa.Table.from_pylist(rows, schema=with_kept(PAIRS, kept)), tmp_path / "a.parquet")
    with pq.ParquetFile(tmp_path / "a.parquet", read_dictionary=list(distinct_rows.READ_AS_DICTIONARY)) as file:
        chosen = distinct_rows.chosen_rows(file, np.arange(5, 40), kept)
    table = distinct_rows.labelled(chosen, Identifier(), kept)  # type: ignore[arg-type]
    packed = [pa.py_buffer(distinct_rows.pack(each)) for each in table.combine_chunks().to_batches()]
    unpacked = list(distinct_rows.unpack(packed, kept))
    found = [batch for _, batch in distinct_rows.in_file_order(unpacked, LabelRule(), kept)]
    assert all(batch.schema == with_kept(DISTINCT, kept) for batch in found)
    by_uid = {row["uid"]: row for batch in found for row in batch.to_pylist()}
    assert {uid: [row[field.name] for field in kept] for uid, row in by_uid.items()} == {
        row["uid"]: [row["score"], row["tags"], "x"] for row in rows[5:]
    }


@pytest.mark.parametrize("min_score", [None, 0.5])
def test_a_file_is_sorted_by_label_and_uid(min_score: float | None) -> None:
    rows = pairs_of(TEXTS)
    rule = LabelRule(min_score)
    table = labelled(rows).combine_chunks().to_batches()[0]
    packed = [distinct_rows.pack(table.slice(start, 17)) for start in range(0, len(rows), 17)]
    found = list(distinct_rows.in_file_order(list(distinct_rows.unpack(map(pa.py_buffer, packed))), rule))
    assert all(batch.schema == DISTINCT for _, batch in found)
    labels = [label for label, _ in found]
    assert labels == sorted(set(labels)) == (["en", "th", "x"] if min_score is None else ["de", "en", "th", "x"])
    expected = oracle.distinct(rows, lambda text: (text.split()[0], 0.25 if text[0] == "x" else 0.75))
    for label, batch in found:
        assert batch.to_pylist() == [row for row in expected if oracle.label_of(row, min_score) == label]


def test_a_label_has_row_groups_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_rows, "GROUP_ROWS", 30)
    table = labelled(pairs_of(TEXTS)).combine_chunks().to_batches()[0]
    packed = [pa.py_buffer(distinct_rows.pack(table))]
    found = list(distinct_rows.in_file_order(list(distinct_rows.unpack(packed)), LabelRule()))
    assert [(label, batch.num_rows) for label, batch in found] == [(x, n) for x in ("en", "th", "x") for n in (30, 10)]
