"""Tables of text."""

from __future__ import annotations

from metaclip_curate.console.terminal import width
from metaclip_curate.console.text_table import number, share, text_table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    found = text_table(["name", "n"], [["a", "1,000"], ["longer", ""]], "<>")
    assert found.splitlines() == ["name        n", "------  -----", "a       1,000", "longer"]


def test_numbers_and_shares() -> None:
    assert [number(1234567), number(1234.56), share(1, 3), share(1, 0)] == ["1,234,567", "1,234.6", "33.3%", ""]
    assert [share(0, 9), share(1, 1000), share(1, 5590), share(1, 10**6)] == ["0.0%", "0.1%", "0.018%", "< 0.001%"]


def test_a_cell_is_one_line_whatever_is_in_it() -> None:
    found = text_table(["file", "n"], [["a\x1b[2J\n\u202eb", "1"], ["c", "2"]], "<>")
    assert found.splitlines()[2:] == [r"a\x1b[2J\n\u202eb  1", "c                  2"]


def test_columns_of_wide_characters_and_of_marks_align() -> None:
    found = text_table(["text", "n"], [["猫とcat", "1"], ["ที่นี่", "22"], ["한국어", "333"]], "<>")
    assert [width(line) for line in found.splitlines()] == [7 + 2 + 3] * 5
