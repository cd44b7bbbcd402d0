"""Texts of links."""

from __future__ import annotations

import pytest

from metaclip_curate.extract.links import ImageLink, clean_text, link_texts


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
    link = ImageLink("x.jpg", "an alt", " ", "a data title")
    assert link_texts(link) == [("an alt", "alt"), ("a data title", "data-image-title")]


def test_an_attribute_that_equals_another_is_a_text_too() -> None:
    assert link_texts(ImageLink("x.jpg", "same", "same ")) == [("same", "alt"), ("same", "title")]


def test_a_link_without_text() -> None:
    assert link_texts(ImageLink("x.jpg", "\r\n", "")) == []
