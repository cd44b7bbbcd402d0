"""Personal data in 300 texts: how many are found, and how many others are taken for it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from metaclip_curate.screens.personal_data import has_personal_data, personal_data
from tests.screens.personal_texts import HARMLESS, PERSONAL

# Of each kind, at least this share is found. Telephone numbers that no plan has any more aren't.
RECALL = {"email": 1.0, "phone": 0.9, "card": 1.0, "iban": 1.0}


def test_there_are_three_hundred_texts() -> None:
    assert sum(map(len, PERSONAL.values())) == len(HARMLESS) == 150


@pytest.mark.parametrize("kind", sorted(PERSONAL))
def test_recall(kind: str) -> None:
    missed = [text for language, text in PERSONAL[kind] if kind not in set(personal_data(text, language))]
    assert len(missed) <= (1 - RECALL[kind]) * len(PERSONAL[kind]), missed


def test_precision() -> None:
    assert [text for language, text in HARMLESS if any(personal_data(text, language))] == []


def test_whole_arrays_are_judged_like_single_texts() -> None:
    by_language: dict[str, list[str]] = {}
    for language, text in [*HARMLESS, *(each for texts in PERSONAL.values() for each in texts)]:
        by_language.setdefault(language, []).append(text)
    for language, texts in by_language.items():
        expected = [any(personal_data(text, language)) for text in texts]
        assert has_personal_data(pa.array(texts), language).tolist() == expected


def test_only_numbers_that_check_count() -> None:
    assert list(personal_data("card 4111 1111 1111 1111", "en")) == ["card"]
    assert list(personal_data("card 4111 1111 1111 1112", "en")) == []
    assert list(personal_data("DE89 3704 0044 0532 0130 00", "de")) == ["iban"]
    assert list(personal_data("DE89 3704 0044 0532 0130 01", "de")) == []
    assert list(personal_data("spende an de89 3704 0044 0532 0130 00 danke", "de")) == ["iban"]
    assert list(personal_data("spende an de89 3704 0044 0532 0130 01 danke", "de")) == []
    assert list(personal_data("card 4111.1111.1111.1111", "en")) == ["card"]
    assert list(personal_data("a@logo.png", "en")) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("電話は０３－３２１３－１１１１です", "phone"),
        ("電話は03\u20103213\u20101111です", "phone"),
        ("ｉｎｆｏ＠ｅｘａｍｐｌｅ．ｊｐ", "email"),
        ("john﹫example.com", "email"),
        ("john@gm\u00adail.com", "email"),
        ("john@\u200bexample.com", "email"),
        ("カード４１１１　１１１１　１１１１　１１１１", "card"),
    ],
)
def test_full_width_forms_and_invisible_characters(text: str, kind: str) -> None:
    assert kind in set(personal_data(text, "ja"))
    assert has_personal_data(pa.array([text]), "ja").tolist() == [True]
