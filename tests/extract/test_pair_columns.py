"""The batches that a file becomes: their rows, in order, and their size."""

from __future__ import annotations

import dataclasses
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest

from examples.page import Image, Page
from examples.warc_writer import write_warc
from examples.wat_writer import write_wat
from metaclip_curate.extract import InputStats, ReadOptions, read_pairs
from metaclip_curate.schemas import PAIRS
from tests.support import oracle

COUNTED = ("image_links", "dropped_no_text", "dropped_bad_url", "dropped_not_http", "texts", "duplicate_texts", "pairs")


def read(path: Path, **options: int) -> tuple[list[pa.RecordBatch], InputStats]:
    stats = InputStats(str(path))
    return list(read_pairs(str(path), options=ReadOptions(**options), stats=stats)), stats  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_shipped_wats_give_the_oracles_rows(mini_wats: list[Path]) -> None:
    assert len(mini_wats) == 2
    for path in mini_wats:
        batches, stats = read(path)
        rows, counted = oracle.read_wat(path)
        assert all(batch.schema == PAIRS for batch in batches)
        assert [row for batch in batches for row in batch.to_pylist()] == [
            {name: row[name] for name in PAIRS.names} for row in rows
        ]
        assert stats.pairs > 1000
        found = dataclasses.asdict(stats)
        assert {name: found[name] for name in counted} == counted


def test_links_that_repeat_on_a_page_are_counted_every_time(tmp_path: Path) -> None:
    link = Image("a.jpg", "text", "text")
    images = (link, Image("", "text"), link, Image("data:,", "x"), Image("b.jpg"), Image("b.jpg"), Image("data:,", "x"))
    write_wat(tmp_path / "a.warc.wat.gz", [Page("http://a.example/", "", images)])
    _, stats = read(tmp_path / "a.warc.wat.gz")
    assert [getattr(stats, name) for name in COUNTED] == [7, 2, 1, 2, 4, 3, 1]


@pytest.mark.parametrize("batch_links", [1, 7, 1000])
def test_the_size_of_batches_changes_no_row(mini_wats: list[Path], batch_links: int) -> None:
    expected, _ = read(mini_wats[0])
    found, _ = read(mini_wats[0], batch_links=batch_links)
    assert pa.Table.from_batches(found) == pa.Table.from_batches(expected)


@pytest.mark.slow
@pytest.mark.parametrize("base", ["http://a.example/" + "x" * 550_000 + "/", "x" * 550_000 + "/", "y/" * 5_000])
def test_a_long_base_counts_as_none(tmp_path: Path, base: str) -> None:
    links = tuple(Image(f"{number}.jpg", "text") for number in range(5_000))
    for write, name in ((write_wat, "a.warc.wat.gz"), (write_warc, "a.warc.gz")):
        write(tmp_path / name, [Page("http://a.example/p/", "", links, base=base)])
        tracemalloc.start()
        batches, stats = read(tmp_path / name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert stats.pairs == 5_000
        assert set(batches[0].column("url").to_pylist()) == {f"http://a.example/p/{n}.jpg" for n in range(5_000)}
        assert sum(batch.nbytes for batch in batches) < 2_000_000
        assert peak < 50_000_000


@pytest.mark.parametrize("base", ["", "/", "http://b.example/"])
def test_links_of_a_page_with_a_long_address_are_bad(tmp_path: Path, base: str) -> None:
    links = (Image("http://b.example/c.jpg", "text"), Image("d.jpg", "text"), Image("data:,", "text"), Image("e.jpg"))
    write_wat(tmp_path / "a.warc.wat.gz", [Page("http://a.example/" + "x" * 50_000, "", links, base=base)])
    batches, stats = read(tmp_path / "a.warc.wat.gz")
    assert [getattr(stats, name) for name in COUNTED] == [4, 1, 3, 0, 0, 0, 0]
    rows, counted = oracle.read_wat(tmp_path / "a.warc.wat.gz")
    assert (batches, rows) == ([], [])
    assert [counted[name] for name in COUNTED] == [4, 1, 3, 0, 0, 0, 0]


@pytest.mark.slow
def test_bases_just_below_the_limit_make_small_batches(tmp_path: Path) -> None:
    links = tuple(Image(f"{number}.jpg", "text") for number in range(8_000))
    page = Page("http://a.example/" + "x" * 8_000, "", links, base="/" + "y" * 8_000 + "/")
    write_wat(tmp_path / "a.warc.wat.gz", [page])
    batches, stats = read(tmp_path / "a.warc.wat.gz")
    assert stats.pairs == 8_000
    assert max(batch.nbytes for batch in batches) < 50_000_000


def test_brackets_around_an_address_are_none_of_it(tmp_path: Path) -> None:
    page = Page("<https://www.example.com/a/>", "", (Image("x.jpg", "a cat"),))
    for write, name in ((write_wat, "a.warc.wat.gz"), (write_warc, "a.warc.gz")):
        write(tmp_path / name, [page])
        batches, _ = read(tmp_path / name)
        assert batches[0].column("url").to_pylist() == ["https://www.example.com/a/x.jpg"]
        assert batches[0].column("page_url").to_pylist() == ["https://www.example.com/a/"]
    rows, _ = oracle.read_wat(tmp_path / "a.warc.wat.gz")
    assert [(row["url"], row["page_url"]) for row in rows] == [(page.url[1:-1] + "x.jpg", page.url[1:-1])]
