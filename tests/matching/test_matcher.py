"""Matching equals the substring test on the spaced text and the spaced entry (specification, 2)."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metaclip_curate.errors import UserError
from metaclip_curate.matching import Matcher
from metaclip_curate.options.match import EntrySpacing
from tests.support import oracle
from tests.support.strategies import Corpus, corpora, examples

SPACINGS: list[EntrySpacing] = ["metaclip2", "metaclip1", "symmetric"]


def matches(entry: str, text: str, spacing: EntrySpacing = "metaclip2") -> bool:
    """Whether the text matches the entry, the only one."""
    found: list[list[int]] = Matcher([entry], spacing=spacing).match([text]).to_pylist()
    return found == [[0]]


def check_against_oracle(corpus: Corpus, spacing: EntrySpacing) -> None:
    found = Matcher(corpus.entries, spacing=spacing).match(corpus.texts)
    expected = [oracle.match_text(text, corpus.entries, spacing) for text in corpus.texts]
    assert found.to_pylist() == expected


# ---------------------------------------------------------------- properties


@pytest.mark.parametrize("spacing", SPACINGS)
@examples(250)
@given(corpus=corpora())
@example(corpus=Corpus([], []))
@example(corpus=Corpus(["", "a"], ["", ""]))
@example(corpus=Corpus(["a", "b"], ["a\nb", "a b", "a  b", "b", "\n", "a\n", "\x00"]))
@example(corpus=Corpus(["a\x00b", "c"], ["\x00", "a\x00b", "b\x00c", "bc"]))
def test_equals_the_substring_test(spacing: EntrySpacing, corpus: Corpus) -> None:
    check_against_oracle(corpus, spacing)


@pytest.mark.parametrize("spacing", SPACINGS)
@examples(60)
@given(corpus=corpora(), data=st.data())
def test_a_text_is_matched_alone(spacing: EntrySpacing, corpus: Corpus, data: st.DataObject) -> None:
    """What stands before and after a text in the array changes nothing for it."""
    matcher = Matcher(corpus.entries, spacing=spacing)
    together = matcher.match(corpus.texts).to_pylist()
    order = data.draw(st.permutations(range(len(corpus.texts))))
    shuffled = matcher.match([corpus.texts[i] for i in order]).to_pylist()
    assert shuffled == [together[i] for i in order]
    assert [matcher.match([text]).to_pylist()[0] for text in corpus.texts] == together


# ---------------------------------------------------------------- the result


def test_result_is_a_list_array_of_int32() -> None:
    found = Matcher(["a", "b"], spacing="metaclip2").match(pa.array(["b a a", "c", "b"]))
    assert isinstance(found, pa.ListArray)
    assert found.type.value_type == pa.int32()
    assert found.null_count == 0
    assert found.to_pylist() == [[0, 1], [], [1]]


def test_default_spacing_is_metaclip2() -> None:
    text, entries = ["a 猫b"], ["猫", "b", "猫b"]
    assert Matcher(entries).match(text) == Matcher(entries, spacing="metaclip2").match(text)
    assert Matcher(entries).match(text).to_pylist() == [[0, 2]]


@pytest.mark.parametrize("texts", [[], ["", " ", "\t\n"]])
@pytest.mark.parametrize("entries", [[], [""], ["", "a", ""], ["   "]])
def test_nothing_to_find(entries: list[str], texts: list[str]) -> None:
    found = Matcher(entries, spacing="metaclip2").match(texts)
    expected = [oracle.match_text(text, entries, "metaclip2") for text in texts]
    assert found.type.value_type == pa.int32()
    assert found.to_pylist() == expected


@pytest.mark.parametrize("of_type", [pa.string(), pa.large_string()])
def test_takes_slices_and_large_strings(of_type: pa.DataType) -> None:
    texts = pa.array(["a", "b", "a b", "c"], type=of_type)
    matcher = Matcher(["b", "a"], spacing="metaclip2")
    assert matcher.match(texts).to_pylist() == [[1], [0], [0, 1], []]
    assert matcher.match(texts.slice(1, 2)).to_pylist() == [[0], [0, 1]]


def test_a_matcher_can_be_used_again() -> None:
    matcher = Matcher(["a", "b"], spacing="metaclip2")
    first = matcher.match(["a", "b a"])
    assert matcher.match(["b"]).to_pylist() == [[1]]
    assert matcher.match(["a", "b a"]) == first


def test_many_texts() -> None:
    """More matches than one batch of any size that a buffer would have."""
    entries = [f"w{i}" for i in range(50)]
    texts = [f"w{i % 50} x w{i % 7} w{i % 50}" for i in range(20_000)]
    found = Matcher(entries, spacing="metaclip2").match(texts).to_pylist()
    assert found == [sorted({i % 50, i % 7}) for i in range(20_000)]


# ---------------------------------------------------------------- examples


def test_words_are_whole_words() -> None:
    assert matches("cat", "cat")
    assert matches("cat", "a cat")
    assert matches("cat", "cat a")
    assert not matches("cat", "category")
    assert not matches("cat", "bobcat")
    assert not matches("cat", "cats and dogs")
    assert matches("black cat", "a black cat sat")
    assert not matches("black cat", "a black  cat sat")


def test_case_matters() -> None:
    assert not matches("cat", "Cat")
    assert not matches("Cat", "cat")
    assert not matches("é", "É")


def test_accents_are_compared_as_they_are_written() -> None:
    assert not matches("é", "e\u0301")
    assert not matches("e", "e\u0301")


@pytest.mark.parametrize("mark", list(",.;:?!`"))
def test_marks_end_a_word(mark: str) -> None:
    assert matches("cat", f"a cat{mark}")
    assert matches("cat", f"{mark}cat")
    assert matches("cat", f"dog{mark}cat{mark}cow")


@pytest.mark.parametrize("char", list("\"'()-/&_|~…，。「—\u00a0"))
def test_other_punctuation_does_not_end_a_word(char: str) -> None:
    assert not matches("cat", f"{char}cat{char}")


@pytest.mark.parametrize("char", ["\t", "\n", "\r", "\r\n"])
def test_line_breaks_and_tabs_of_a_text_are_spaces(char: str) -> None:
    assert matches("cat", f"a{char}cat{char}sat")
    assert matches("a cat", f"a{char}cat") == (len(char) == 1)


def test_marks_inside_an_entry() -> None:
    """Texts are spaced at their marks and entries are not, except with symmetric."""
    for text in ["St. Louis", "in St. Louis, Missouri", "(x) St. Louis"]:
        assert not matches("St. Louis", text, "metaclip2")
        assert not matches("St. Louis", text, "metaclip1")
        assert matches("St. Louis", text, "symmetric")
    assert not matches("St. Louis", "St.Louis", "symmetric")
    assert not matches("St. Louis", "St Louis", "symmetric")


def test_marks_at_the_ends_of_an_entry() -> None:
    assert not matches(".NET", "use .NET now", "metaclip2")  # the text has ` . NET`
    assert matches(".NET", "use .NET now", "symmetric")
    assert matches(".NET", "use x.NET now", "symmetric")
    assert not matches("Inc.", "Acme Inc. today", "metaclip2")  # the text has `Inc . `
    assert matches("Inc.", "Acme Inc. today", "symmetric")
    assert not matches("Inc.", "Acme Inc today", "symmetric")
    assert not matches("Inc.", "Acme SInc. today", "symmetric")


def test_punctuation_as_an_entry() -> None:
    """An end that is punctuation gets no space, so the mark itself is found anywhere."""
    assert matches("?", "why?")
    assert matches("-", "a-b")
    assert matches("。", "猫。")
    assert not matches("-", "a-b", "metaclip1")
    assert matches("?", "why?", "metaclip1")  # the text's own marks are spaced
    assert not matches("...", "a...b")  # the text has ` .  .  . `
    assert matches("...", "a...b", "symmetric")


def test_a_hash_tag_is_open_at_its_first_end_only() -> None:
    assert matches("#cat", "my#cat")
    assert not matches("#cat", "#cats")
    assert not matches("#cat", "my#cat", "metaclip1")
    assert not matches("C++", "aC++")
    assert matches("C++", "C++11")


def test_chinese_is_found_inside() -> None:
    assert matches("猫", "黑猫在家")
    assert matches("黑猫", "一只黑猫在家")
    assert not matches("白猫", "一只黑猫在家")
    assert matches("猫", "黑猫在家", "symmetric")
    assert not matches("猫", "黑猫在家", "metaclip1")
    assert matches("猫", "黑 猫 在家", "metaclip1")


def test_thai_is_found_inside() -> None:
    assert matches("แมว", "รูปแมวดำ")
    assert not matches("แมว", "รูปแมวดำ", "metaclip1")
    assert matches("แมวดำ", "รูปแมวดำ")


def test_kana_and_hangul_stand_in_no_range() -> None:
    """As published: a Japanese entry of kana needs spaces, one of kanji does not."""
    assert not matches("ネコ", "黒ネコがいる")
    assert matches("ネコ", "黒 ネコ がいる")
    assert matches("黒", "黒ネコがいる")
    assert not matches("고양이", "검은고양이")


def test_each_end_is_spaced_by_its_own_character() -> None:
    assert matches("T恤", "红色 T恤衫")  # before the T a space, after 恤 none
    assert not matches("T恤", "红色T恤衫")
    assert matches("卡拉OK", "去卡拉OK 吧")
    assert not matches("卡拉OK", "去卡拉OK吧")
    assert matches("卡拉OK", "去卡拉OK!")  # a mark brings its space along
    assert not matches("卡拉OK", "去卡拉OK！")  # the full-width one does not


# (first, last) of each range in the specification's table, Unicode code points.
RANGES = [
    *[(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2EBEF)],
    *[(0xF900, 0xFAFF), (0x2E80, 0x2FDF), (0x2FF0, 0x2FFF), (0x0E00, 0x0E7F)],
    *[(0x0E80, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x0F00, 0x0FFF)],
]


@pytest.mark.parametrize(("first", "last"), RANGES)
@pytest.mark.parametrize("spacing", ["metaclip2", "symmetric"])
def test_ends_of_the_ranges(first: int, last: int, spacing: EntrySpacing) -> None:
    """Both ends of a range are inside; their neighbours are in or out by the other ranges."""
    for code in (first - 1, first, last, last + 1):
        inside = any(low <= code <= high for low, high in RANGES)
        assert matches(chr(code), f"x{chr(code)}x", spacing) == inside, hex(code)
        assert matches(chr(code), f"x {chr(code)} x", spacing)
        assert not matches(chr(code), f"x{chr(code)}x", "metaclip1")


@pytest.mark.parametrize("char", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~，。、；：？！“”‘’（）【】《》〈〉「」『』～—")
def test_punctuation_is_found_inside(char: str) -> None:
    assert matches(char, f"x{char}x")
    assert matches(char, f"x{char}x", "symmetric")


@pytest.mark.parametrize("char", "·…–〔〕¿«»،।€°→")
def test_other_signs_are_not(char: str) -> None:
    assert not matches(char, f"x{char}x")


def test_overlapping_and_nested_entries_all_count() -> None:
    entries = ["new york", "york", "york city", "new york city", "new", "city hall", "hall"]
    found = Matcher(entries, spacing="metaclip2").match(["new york city", "york city hall"])
    assert found.to_pylist() == [[0, 1, 2, 3, 4], [1, 2, 5, 6]]
    found = Matcher(["世界", "界杯", "世界杯", "杯", "世"]).match(["看世界杯了"])
    assert found.to_pylist() == [[0, 1, 2, 3, 4]]


def test_neighbours_share_their_space() -> None:
    """` a ` and ` b ` overlap by one character in ` a b `."""
    assert Matcher(["a", "b", "a b"]).match(["a b"]).to_pylist() == [[0, 1, 2]]


def test_an_entry_found_twice_is_named_once() -> None:
    assert Matcher(["b", "a"]).match(["a b a b a"]).to_pylist() == [[0, 1]]
    assert Matcher(["猫"]).match(["猫猫猫"]).to_pylist() == [[0]]


def test_equal_entries_are_all_found() -> None:
    assert Matcher(["a", "b", "a", "a"]).match(["a"]).to_pylist() == [[0, 2, 3]]


def test_entries_that_are_equal_only_when_spaced() -> None:
    """`a` between spaces and ` a ` as published differ; `x.` and `x . ` agree under symmetric."""
    assert Matcher(["a", " a "]).match(["a"]).to_pylist() == [[0]]
    assert Matcher(["a", " a "]).match(["b  a  b"]).to_pylist() == [[0, 1]]


def test_ids_count_the_empty_entries() -> None:
    assert Matcher(["", "a", "", "b"]).match(["b a"]).to_pylist() == [[1, 3]]


def test_entries_that_no_valid_text_contains() -> None:
    """A lone surrogate may stand in a JSON list; texts are valid UTF-8, so it is found nowhere."""
    found = Matcher(["\ud800", "a", "a\udfff", "\ufffd", ""]).match(["a", "b \ufffd"])
    assert found.to_pylist() == [[1], [3]]


def test_long_entries_and_texts() -> None:
    long = "x" * 100_000
    assert matches(long, f"a {long} b")
    assert not matches(long, f"a {long}x b")
    found = Matcher(["猫" * 300, "猫"]).match(["猫" * 299, "猫" * 5000])
    assert found.to_pylist() == [[1], [0, 1]]


def test_unknown_spacing_is_an_error() -> None:
    with pytest.raises((UserError, ValueError), match="metaclip3"):
        Matcher(["a"], spacing=cast(EntrySpacing, "metaclip3"))
