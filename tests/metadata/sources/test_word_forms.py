from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.matching import Matcher
from metaclip_curate.metadata.sources.word_forms import forms, is_usable, serbian_cyrillic


@pytest.mark.parametrize(
    ("word", "language", "expected"),
    [
        ("cat", "en", ["cat", "Cat", "CAT"]),
        ("logo", "en", ["logo", "Logo", "LOGO"]),
        ("horse", "en", ["horse", "Horse"]),
        ("it's", "en", ["it's", "It's", "IT'S"]),
        ("straße", "de", ["straße", "Straße"]),
        ("groß", "de", ["groß", "Groß", "GROSS"]),
        ("istanbul", "tr", ["istanbul", "İstanbul"]),
        ("ışık", "tr", ["ışık", "Işık", "IŞIK"]),
        ("iş", "tr", ["iş", "İş", "İŞ"]),
        ("ijs", "nl", ["ijs", "IJs", "IJS"]),
        ("ijs", "en", ["ijs", "Ijs", "IJS"]),
        ("τησ", "el", ["της", "Της", "ΤΗΣ"]),
        ("από", "el", ["από", "Από", "ΑΠΟ"]),
        ("έργο", "el", ["έργο", "Έργο", "ΕΡΓΟ"]),
        ("και", "el", ["και", "Και", "ΚΑΙ"]),
        ("și", "ro", ["și", "Și", "ȘI", "şi", "Şi", "ŞI"]),
        ("ljubav", "sr", ["љубав", "Љубав", "ljubav", "Ljubav"]),
        ("windows", "sr", ["windows", "Windows"]),
        ("кот", "ru", ["кот", "Кот", "КОТ"]),
        ("猫", "zh", ["猫"]),
        ("สุนัข", "th", ["สุนัข"]),
        ("बिल्ली", "hi", ["बिल्ली"]),
        ("القط", "ar", ["القط"]),
    ],
)
def test_forms(word: str, language: str, expected: list[str]) -> None:
    assert forms(word, language) == expected


@pytest.mark.parametrize(
    "word", ["cat", "don't", "猫", "집", "می\u200cشود", "बिल्ली", 'צה"ל', "col·legi", "ページ", "น้ำ", "ok", "vis-à-vis"]
)
def test_usable(word: str) -> None:
    assert is_usable(word)


@pytest.mark.parametrize(
    "word", ["a", "я", "も", "1", "00", "mp3", "৩", "u.s", "a:b", "2.5", "😂", "--", "'", "❤", "(笑)", "♪", " a", "a b"]
)
def test_not_usable(word: str) -> None:
    assert not is_usable(word)


@given(st.text(min_size=1, max_size=6))
def test_a_usable_word_matches_itself_in_each_form(word: str) -> None:
    if is_usable(word):
        written = forms(word, "en")
        matched = Matcher(written).match(written).to_pylist()
        assert all(position in ids for position, ids in enumerate(matched))


@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [("njegoš", "његош"), ("džep", "џеп"), ("đak", "ђак"), ("čćžš", "чћжш"), ("yahoo", None), ("o'neil", "о'неил")],
)
def test_serbian_cyrillic(latin: str, cyrillic: str | None) -> None:
    assert serbian_cyrillic(latin) == cyrillic
