"""One file to pairs: WAT and WARC alike, and what old WATs need."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from examples.edge_cases import EdgeCase, edge_cases
from examples.make_mini_wat import mini_files
from examples.warc_framing import warc_record, write_records
from examples.warc_writer import write_warc
from examples.wat_writer import Image, Page, wat_records, write_wat
from metaclip_curate.extract import InputStats, input_file, pages, read_pairs
from metaclip_curate.extract.html import page_of_response
from metaclip_curate.extract.input_stats import BROKE_OFF
from metaclip_curate.schemas import PAIRS
from metaclip_curate.storage import InputError

Pairs = set[tuple[str, str]]


def read(path: Path) -> tuple[Pairs, InputStats]:
    stats = InputStats(str(path))
    pairs: list[tuple[str, str]] = []
    for batch in read_pairs(path, stats=stats):
        assert batch.schema.equals(PAIRS)
        pairs += zip(batch.column("url").to_pylist(), batch.column("text").to_pylist(), strict=True)
    assert len(pairs) == len(set(pairs)) == stats.pairs
    return set(pairs), stats


@pytest.mark.parametrize("case", edge_cases(), ids=lambda case: case.name)
@pytest.mark.parametrize("write", [write_wat, write_warc])
def test_edge_cases_as_wat_and_as_warc(tmp_path: Path, case: EdgeCase, write: object) -> None:
    path = tmp_path / "case.gz"
    write(path, [case.page])  # type: ignore[operator]
    pairs, stats = read(path)
    assert pairs == set(case.pairs)
    assert stats.status == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("name", mini_files())
def test_the_same_pages_give_the_same_as_wat_and_as_warc(tmp_path: Path, name: str) -> None:
    pages = mini_files()[name]
    write_wat(tmp_path / "a.warc.wat.gz", pages)
    write_warc(tmp_path / "a.warc.gz", pages)
    pairs, stats = read(tmp_path / "a.warc.wat.gz")
    from_warc, warc_account = read(tmp_path / "a.warc.gz")
    assert from_warc == pairs
    assert len(pairs) > 1000
    for column in (
        "pages",
        "image_links",
        "dropped_opt_out",
        "dropped_no_text",
        "dropped_not_http",
        "texts",
        "duplicate_texts",
    ):
        assert getattr(warc_account, column) == getattr(stats, column), column


OLD = b"Software-Info: ia-web-commons.1.0-SNAPSHOT-20140819100050\r\n\r\n"
NEW = b"Software-Info: ia-web-commons.1.1.10-SNAPSHOT-20240401000000\r\n\r\n"


def with_warcinfo(block: bytes, records: list[bytes]) -> bytes:
    header = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: %d\r\n\r\n" % len(block)
    return header + block + b"\r\n\r\n" + b"".join(records[1:])


@pytest.mark.parametrize("warcinfo", [OLD, NEW])
def test_entities_of_old_wats_are_decoded(tmp_path: Path, warcinfo: bytes) -> None:
    page = Page("http://example.org/", "t", (Image("/a?b=1&c=2", "Salt & pepper"),))
    path = tmp_path / "a.wat"
    path.write_bytes(with_warcinfo(warcinfo, list(wat_records([page], old_extractor=True))))
    expected = {
        OLD: ("http://example.org/a?b=1&c=2", "Salt & pepper"),
        NEW: ("http://example.org/a?b=1&amp;c=2", "Salt &amp; pepper"),
    }
    assert read(path)[0] == {expected[warcinfo]}


def test_a_page_that_is_cut_off_makes_its_file_partial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "page_of_response", partial(page_of_response, max_bytes=200))
    path = tmp_path / "a.warc.gz"
    images = (Image("a.jpg", "text"), Image("b.jpg", "x" * 500))
    write_warc(path, [Page("http://a.example/", "", images), Page("http://a.example/b", "")])
    stats = read(path)[1]
    assert (stats.status, stats.error) == ("partial", "a page is cut off after 200 bytes")


def test_a_page_opts_out_however_many_came_before_it(tmp_path: Path) -> None:
    """Names that tell of no opt-out are remembered: those that do aren't among them."""
    image = (Image("a.jpg", "text"),)
    harmless = [("viewport", "width=device-width"), ("robots", "index"), ("X-Robots", "noai")]
    ways = [("robots", "noai"), (" ROBOTS ", "NoImageAI"), ("tdm-reservation", "1")]
    written = [Page(f"http://a.example/{n}", "", image, metas=(harmless[n % 3],)) for n in range(9)]
    written += [Page(f"http://b.example/{n}", "", image, metas=(*harmless, way)) for n, way in enumerate(ways)]
    write_wat(tmp_path / "a.warc.wat.gz", written)
    stats = read(tmp_path / "a.warc.wat.gz")[1]
    assert (stats.image_links, stats.dropped_opt_out) == (12, 3)


@pytest.mark.parametrize("write", [write_wat, write_warc])
def test_pages_are_counted_with_and_without_images(tmp_path: Path, write: Callable[..., None]) -> None:
    image = (Image("a.jpg", "text"),)
    written = [
        Page("http://a.example/", "", image),
        Page("http://a.example/b", ""),
        Page("http://a.example/c", "", image),
    ]
    write(tmp_path / "a.gz", written)
    stats = read(tmp_path / "a.gz")[1]
    assert (stats.status, stats.pages, stats.image_links) == ("ok", 3, 2)


def test_records_of_which_none_is_a_page_are_no_failure(tmp_path: Path) -> None:
    kinds = ("warcinfo", "request", "resource", "revisit", "conversion")
    records = [warc_record([("WARC-Type", kind), ("WARC-Target-URI", "http://a.example/")], b"x") for kind in kinds]
    write_records(tmp_path / "a.warc.gz", records)
    stats = read(tmp_path / "a.warc.gz")[1]
    assert (stats.status, stats.error, stats.records, stats.pages) == ("ok", "", len(kinds), 0)


@pytest.mark.parametrize(
    ("cut", "reason", "told"),
    [
        (0, "reset by peer", ": reset by peer"),
        (4, "gave up after 2 attempts in a row: HTTP 503", " after 2 attempts in a row: HTTP 503"),
        (8, "gave way", ": gave way"),
    ],
)
def test_a_connection_that_breaks_for_good_after_a_record_keeps_its_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int, reason: str, told: str
) -> None:
    """Whatever was there of the four bytes that close a record, and of the next one."""

    class Breaking(io.BytesIO):
        bytes_read = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            if not data:
                raise InputError("a.wat", reason)
            return data

    written = list(wat_records([Page("http://a.example/", "", (Image("a.jpg", "text"),))]))
    data = b"".join(written) + b"WARC"
    opened = Breaking(data[: len(data) - cut])
    monkeypatch.setattr(input_file, "open_input", lambda *_, **__: opened)
    pairs, stats = read(tmp_path / "a.wat")
    assert pairs == {("http://a.example/a.jpg", "text")}
    assert (stats.status, stats.records_skipped) == ("partial", 0)
    assert stats.error == f"reading was given up{told}"
    assert stats.error.startswith(BROKE_OFF)


def test_without_an_account_a_file_that_is_no_wat_raises(tmp_path: Path) -> None:
    (tmp_path / "a.wat.gz").write_bytes(b"no WAT")
    with pytest.raises(InputError, match=r"a\.wat\.gz"):
        list(read_pairs(str(tmp_path / "a.wat.gz")))


def test_real_wats_have_the_pairs_that_the_same_pages_have_as_warc(real_data: Path) -> None:
    """The WARC has more: lazy images, and those after comments that the WAT's extractor runs past."""
    from_wat, _ = read(real_data / "wat" / "cc-sample.warc.wat.gz")
    from_warc, stats = read(real_data / "warc" / "cc-sample.warc.gz")
    assert stats.status == "ok"
    assert from_wat - from_warc == set()
    assert len(from_warc) > len(from_wat)
