"""The batches that a file becomes: their rows, in order, and their size."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest

from examples.page import Image, Page
from examples.wat_writer import write_wat
from metaclip_curate.extract import InputAccount, ReadOptions, read_pairs
from metaclip_curate.schemas import PAIRS
from tests import oracle

COUNTED = ("image_links", "dropped_no_text", "dropped_bad_url", "dropped_not_http", "texts", "duplicate_texts", "pairs")


def read(path: Path, **options: int) -> tuple[list[pa.RecordBatch], InputAccount]:
    account = InputAccount(str(path))
    return list(read_pairs(str(path), options=ReadOptions(**options), account=account)), account  # type: ignore[arg-type]


def test_the_shipped_wats_give_the_oracles_rows(mini_wats: list[Path]) -> None:
    for path in mini_wats:
        batches, account = read(path)
        rows, counted = oracle.read_wat(path)
        assert all(batch.schema == PAIRS for batch in batches)
        assert [row for batch in batches for row in batch.to_pylist()] == [
            {name: row[name] for name in PAIRS.names} for row in rows
        ]
        found = dataclasses.asdict(account)
        assert {name: found[name] for name in counted} == counted


def test_links_that_repeat_on_a_page_are_counted_every_time(tmp_path: Path) -> None:
    link = Image("a.jpg", "text", "text")
    images = (link, Image("", "text"), link, Image("data:,", "x"), Image("b.jpg"), Image("b.jpg"), Image("data:,", "x"))
    write_wat(tmp_path / "a.warc.wat.gz", [Page("http://a.example/", "", images)])
    _, account = read(tmp_path / "a.warc.wat.gz")
    assert [getattr(account, name) for name in COUNTED] == [7, 2, 1, 2, 4, 3, 1]


@pytest.mark.parametrize("batch_links", [1, 7, 1000])
def test_the_size_of_batches_changes_no_row(mini_wats: list[Path], batch_links: int) -> None:
    expected, _ = read(mini_wats[0])
    found, _ = read(mini_wats[0], batch_links=batch_links)
    assert pa.Table.from_batches(found) == pa.Table.from_batches(expected)


@pytest.mark.parametrize(
    ("address", "base", "images"),
    [
        ("http://a.example/", "http://a.example/" + "x" * 2_000_000 + "/", 100),
        ("http://a.example/" + "x" * 50_000, "/", 2000),
    ],
    ids=["base", "address"],
)
def test_a_long_base_or_address_makes_small_batches(tmp_path: Path, address: str, base: str, images: int) -> None:
    links = tuple(Image(f"{number}.jpg", "text") for number in range(images))
    write_wat(tmp_path / "a.warc.wat.gz", [Page(address, "", links, base=base)])
    batches, account = read(tmp_path / "a.warc.wat.gz")
    assert account.pairs == images
    assert max(batch.nbytes for batch in batches) < 50_000_000
