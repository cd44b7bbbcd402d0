"""Texts of links."""

from __future__ import annotations

import pyarrow as pa
import pytest

from metaclip_curate.extract.links import ImageLink, clean_text, clean_texts, texts_of_links


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  two\nlines\r\nand a\ttab ", "two lines  and a tab"),
        ("\u00a0no-break\u3000", "no-break"),
        ("\ud83d half", "\ufffd half"),
        ("nul\0inside", "nul\0inside"),
        ("\u200b zero width \u200b", "\u200b zero width \u200b"),
        ("\x1c separators \x85", "separators"),
        (" \n\t ", ""),
    ],
)
def test_clean_text(raw: str, text: str) -> None:
    assert clean_text(raw) == text


def test_each_attribute_is_a_text_in_a_fixed_order() -> None:
    links = [
        ImageLink("x.jpg", "an alt", " ", "a data title"),
        ImageLink("y.jpg", "\r\n", ""),
        ImageLink("z.jpg", "", "a\ttitle"),
    ]
    assert texts_of_links(links) == (
        ["an alt", "a data title", "a title"],
        ["alt", "data-image-title", "title"],
        [0, 0, 2],
    )


def test_an_attribute_that_equals_another_is_a_text_too() -> None:
    assert texts_of_links([ImageLink("x.jpg", "same", "same ")]) == (["same", "same"], ["alt", "title"], [0, 0])


def test_links_without_texts() -> None:
    assert texts_of_links([ImageLink("x.jpg", "\r\n", "")]) == texts_of_links([]) == ([], [], [])


SPACES = [
    chr(code) for code in (*range(0x21), 0x7F, 0x85, 0xA0, 0x1680, 0x2000, 0x2028, 0x2029, 0x202F, 0x3000, 0xFEFF)
]


@pytest.mark.parametrize("has_lines", [True, False])
def test_whole_columns_are_cleaned_as_single_texts_are(has_lines: bool) -> None:
    marks = SPACES if has_lines else [mark for mark in SPACES if not "\t" <= mark <= "\r"]
    texts = ["", "a", "é", "a b", "日本"]
    texts += [text for mark in marks for text in (f"{mark}a", f"a{mark}", f"a{mark}é", mark, f"é{mark}{mark}")]
    array = pa.array([None, *texts, *texts[::-1]], pa.string())
    expected = ["", *map(clean_text, texts), *map(clean_text, texts[::-1])]
    assert clean_texts(array).to_pylist() == expected
    assert clean_texts(array[7:90]).to_pylist() == expected[7:90]
    assert clean_texts(array[:0]).to_pylist() == []
    assert clean_texts(pa.array(["", ""])).to_pylist() == ["", ""]
