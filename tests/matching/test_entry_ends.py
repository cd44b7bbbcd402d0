"""Of a long list, all entries that few texts contain are found by their first and last bytes, and few others."""

from __future__ import annotations

import pytest

from metaclip_curate.matching.entry_ends import EntryEnds

TEXT = " A red fox in the tall grass \n \u4e2d\u6587\u5b57\u5178 "


@pytest.mark.parametrize(
    ("entry", "possible"),
    [
        ("", False),
        ("fox", True),
        ("cat", True),  # too short to be compared
        ("grass", True),
        ("glass", False),  # its first bytes don't occur
        ("grasp", False),  # nor do its last ones
        ("fox in the tall grass", True),
        ("fox on the tall grass", False),
        ("fox in the very tall grass", True),  # as its first eight bytes and its last ones occur
        ("fox in the tall glass", False),
        ("\u4e2d", True),
        ("\u4e2d\u6587", True),
        ("\u4e2d\u6587\u5b57\u5178", True),
        ("\u5b57\u5178\u4e2d\u6587", False),
    ],
)
def test_an_entry_is_possible_if_its_ends_occur(entry: str, possible: bool) -> None:
    assert EntryEnds([entry]).possible(TEXT).tolist() == [0] * possible


def test_ids_ascend_whatever_the_lengths_of_entries() -> None:
    entries = ["fox in the tall grass", "grass", "", "in", "A red fox", "blue foxes", "tall"]
    assert EntryEnds(entries).possible(TEXT).tolist() == [0, 1, 3, 4, 6]


@pytest.mark.parametrize("entries", [[], [""], ["", ""]])
def test_no_entries(entries: list[str]) -> None:
    assert EntryEnds(entries).possible(TEXT).tolist() == []


def test_no_text() -> None:
    assert EntryEnds(["a long entry", "word"]).possible("").tolist() == []


def test_few_entries_are_possible_in_a_text_without_them() -> None:
    entries = [f"entry number {number}" for number in range(10_000)]
    others = " ".join(f"{number} words of other texts" for number in range(10_000))
    assert len(EntryEnds(entries).possible(others)) < 100
