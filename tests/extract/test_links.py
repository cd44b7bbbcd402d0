"""Texts of links."""

from __future__ import annotations

import pytest

from metaclip_curate.extract.links import ImageLink, clean_text, texts_of_links


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
