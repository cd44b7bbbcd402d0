from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.metadata.wikipedia.container import Piece
from metaclip_curate.metadata.wikipedia.records import read_lines, read_pages

DUMP = b"<x>\n" + b"".join(b" <page>%d%s</page>\n" % (number, b"." * (5 * number)) for number in range(6)) + b"</x>"
PAGES = [b"<page>%d%s</page>" % (number, b"." * (5 * number)) for number in range(6)]
LINES = [b"first", b"", b"a longer line", b"x", b"", b"last"]


def cut(data: bytes, borders: Sequence[int]) -> list[bytes]:
    places = [0, *sorted(borders), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def pieces_of_range(parts: list[bytes], start: int, end: int) -> list[Piece]:
    return [Piece(part, number < end) for number, part in enumerate(parts) if number >= start]


cuts = st.lists(st.integers(0, len(DUMP)), max_size=12)


@given(cuts, st.integers(0, 12))
def test_each_page_belongs_to_one_range(borders: list[int], split: int) -> None:
    parts = cut(DUMP, borders)
    found = []
    for start, end in ((0, split), (split, len(parts))):
        found += list(read_pages(pieces_of_range(parts, start, end), 1000))
    assert found == PAGES


@given(st.lists(st.integers(0, 30), max_size=8), st.integers(0, 8), st.booleans())
def test_each_line_belongs_to_one_range(borders: list[int], split: int, ends_with_break: bool) -> None:
    data = b"\n".join(LINES) + (b"\n" if ends_with_break else b"")
    parts = cut(data, [min(border, len(data)) for border in borders])
    first = list(read_lines(pieces_of_range(parts, 0, split), 1000, is_first=True))
    second = list(read_lines(pieces_of_range(parts, split, len(parts)), 1000, is_first=False))
    assert first + second == [line for line in LINES if line]


@given(cuts)
def test_a_page_that_is_too_long_is_skipped(borders: list[int]) -> None:
    pieces = [Piece(part, True) for part in cut(DUMP, borders)]
    longest = len(PAGES[3]) - len(b"</page>")
    assert list(read_pages(pieces, longest)) == [*PAGES[:4], "too_long", "too_long"]


def test_a_page_without_end_isnt_kept_in_memory() -> None:
    pieces = (Piece(b"<page>" if number == 0 else bytes(1 << 20), True) for number in range(50))
    assert list(read_pages(pieces, 1 << 20)) == ["too_long"]


def test_a_page_at_the_files_end_is_cut_off() -> None:
    assert list(read_pages([Piece(DUMP[:-20], True)], 1000)) == [*PAGES[:5], "cut_off"]


def test_a_page_doesnt_go_on_after_damage() -> None:
    pieces = [Piece(b"<page>1</page><page>2", True), Piece(None, True), Piece(b"3</page><page>4</page>", True)]
    assert list(read_pages(pieces, 1000)) == [b"<page>1</page>", "damaged", "cut_off", b"<page>4</page>"]


def test_damage_after_the_range_is_anothers() -> None:
    pieces = [Piece(b"<page>1</page><page>2", True), Piece(None, False), Piece(b"<page>3</page>", False)]
    assert list(read_pages(pieces, 1000)) == [b"<page>1</page>", "cut_off"]


def test_damage_between_pages() -> None:
    pieces = [Piece(b"<page>1</page>", True), Piece(None, True), Piece(b"<page>2</page>", True), Piece(None, True)]
    assert list(read_pages(pieces, 1000)) == [b"<page>1</page>", "damaged", b"<page>2</page>", "damaged"]
