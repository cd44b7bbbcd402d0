"""Matching equals the substring test on the spaced text and the spaced entry (specification, 2)."""

from __future__ import annotations

import re
import unicodedata
from typing import cast

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metaclip_curate.errors import UserError
from metaclip_curate.matching import Matcher
from metaclip_curate.options.match import EntrySpacing, Normalization
from tests.support import oracle, strategies
from tests.support.strategies import Corpus, corpora, examples

SPACINGS: list[EntrySpacing] = ["metaclip2", "metaclip1", "symmetric", "kana"]
NORMALIZATIONS: list[Normalization] = ["nfc", "none"]
KANA = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
SPACE_BESIDE_MARK = re.compile(f" [{strategies.TEXT_MARKS}]|[{strategies.TEXT_MARKS}] ")


def matches(entry: str, text: str, spacing: EntrySpacing = "metaclip2") -> bool:
    """Whether the text matches the entry, the only one."""
    found: list[list[int]] = Matcher([entry], spacing=spacing).match([text]).to_pylist()
    return found == [[0]]


def check_against_oracle(corpus: Corpus, spacing: EntrySpacing, normalize: Normalization) -> None:
    found = Matcher(corpus.entries, spacing=spacing, normalize=normalize).match(corpus.texts)
    expected = [oracle.match_text(text, corpus.entries, spacing, normalize) for text in corpus.texts]
    assert found.to_pylist() == expected


# ---------------------------------------------------------------- properties


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("spacing", SPACINGS)
@examples(120)
@given(corpus=corpora())
@example(corpus=Corpus([], []))
@example(corpus=Corpus(["", "a"], ["", ""]))
@example(corpus=Corpus(["a", "b"], ["a\nb", "a b", "a  b", "b", "\n", "a\n", "\x00"]))
@example(corpus=Corpus(["a\x00b", "c"], ["\x00", "a\x00b", "b\x00c", "bc"]))
@example(corpus=Corpus(["e\u200b\u0301", "e\u00ad", "\u3000\u3000", "\ufeff"], ["\u200b", "é", "e\u0301", "\u00a0"]))
@example(
    corpus=Corpus(
        ["か\u3099カ\u3099か", "\u3099ア", "x\u3099ア", " \u3099ア"], ["カ\u3099", "か\u3099", "\u3099ア", "ア"]
    )
)
def test_equals_the_substring_test(spacing: EntrySpacing, normalize: Normalization, corpus: Corpus) -> None:
    check_against_oracle(corpus, spacing, normalize)


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@examples(150)
@given(corpus=corpora())
@example(corpus=Corpus(["a b、猫", "カ,x", "猫カ,"], ["a b", "猫", ",", "x"]))
def test_kana_finds_what_metaclip2_finds(normalize: Normalization, corpus: Corpus) -> None:
    """Of entries without kana and without a space beside a mark that texts are spaced at."""
    compared = [oracle.normal(entry, normalize) for entry in corpus.entries]
    eligible = {i for i, entry in enumerate(compared) if not KANA.search(entry) and not SPACE_BESIDE_MARK.search(entry)}
    published = Matcher(corpus.entries, "metaclip2", normalize).match(corpus.texts).to_pylist()
    found = Matcher(corpus.entries, "kana", normalize).match(corpus.texts).to_pylist()
    for before, now in zip(published, found, strict=True):
        assert set(before) & eligible <= set(now)


@examples(100)
@given(corpus=corpora())
def test_composed_and_decomposed_texts_match_the_same_entries(corpus: Corpus) -> None:
    decomposed = [unicodedata.normalize("NFD", text) for text in corpus.texts]
    others = [unicodedata.normalize("NFD", entry) for entry in corpus.entries]
    found = Matcher(corpus.entries, "kana").match(corpus.texts)
    assert Matcher(corpus.entries, "kana").match(decomposed) == found
    assert Matcher(others, "kana").match(corpus.texts) == found


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


def test_accents_are_compared_in_nfc() -> None:
    assert matches("é", "e\u0301")
    assert matches("e\u0301", "é")
    assert not matches("e", "e\u0301")
    assert Matcher(["é", "e\u0301"], normalize="none").match(["e\u0301", "é"]).to_pylist() == [[1], [0]]


@pytest.mark.parametrize("space", list("\u00a0\u2000\u2001\u2007\u200a\u202f\u205f\u3000"))
def test_other_spaces_are_spaces(space: str) -> None:
    assert matches("black cat", f"a{space}black{space}cat")
    assert matches(f"black{space}cat", "a black cat")
    assert Matcher(["cat"], normalize="none").match([f"a{space}cat"]).to_pylist() == [[]]


@pytest.mark.parametrize("space", list("\u1680\u200c\u200d\u2028\u2029\u180e"))
def test_further_separators_stay(space: str) -> None:
    assert not matches("cat", f"a{space}cat")
    assert not matches("cat", f"c{space}at")


@pytest.mark.parametrize("invisible", list("\u00ad\u200b\u2060\ufeff"))
def test_invisible_characters_are_left_out(invisible: str) -> None:
    assert matches("Donaudampfer", f"der Donau{invisible}dampfer")
    assert matches(f"Donau{invisible}dampfer", "der Donaudampfer")
    assert Matcher([invisible, "", "a"]).match([invisible, f"a {invisible}"]).to_pylist() == [[], [2]]


def test_marks_that_nfc_makes_are_spaced() -> None:
    """U+037E, the Greek question mark, is `;` in NFC, and U+1FEF is a backtick."""
    assert matches("γιατί", "γιατί\u037e")
    assert matches("a", "a\u1fefb")


def test_entries_that_become_equal_all_match() -> None:
    entries = ["é", "e\u0301", "\ufeffé", "e", "\u00e9"]
    assert Matcher(entries).match(["e\u0301"]).to_pylist() == [[0, 1, 2, 4]]


@pytest.mark.parametrize("mark", list(",.;:?!`"))
def test_marks_end_a_word(mark: str) -> None:
    assert matches("cat", f"a cat{mark}")
    assert matches("cat", f"{mark}cat")
    assert matches("cat", f"dog{mark}cat{mark}cow")


@pytest.mark.parametrize("char", list("\"'()-/&_|~…，。「—"))
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


def test_kana_are_found_inside_with_the_spacing_kana() -> None:
    assert matches("ネコ", "黒ネコがいる", "kana")
    assert matches("黒ネコ", "この黒ネコがいる", "kana")
    assert matches("ネコがいる", "黒ネコがいる", "kana")
    assert matches("さくら", "きれいなさくらの花", "kana")
    assert matches("消しゴム", "白い消しゴムです", "kana")
    assert matches("St. Louis", "in St. Louis", "kana")
    assert not matches("고양이", "검은고양이", "kana")


def test_a_run_of_katakana_is_a_word() -> None:
    assert not matches("カー", "赤いスカート", "kana")
    assert not matches("ネコ", "クロネコの箱", "kana")
    assert not matches("黒ネコ", "黒ネコバス", "kana")
    assert matches("コーヒー", "コーヒー・カップ", "kana")  # the middle dot ends the run
    assert matches("バス", "ﾊﾞｽ停", "kana") is False  # half-width letters are other letters in NFC
    assert matches("ﾊﾞｽ", "赤いﾊﾞｽ停", "kana")


@pytest.mark.parametrize("mark", ["\u3099", "\u309a"])
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_a_sound_mark_belongs_to_its_letter(mark: str, normalize: Normalization) -> None:
    """Also after letters that have no composed form."""
    katakana, hiragana = f"ラ{mark}", f"ら{mark}"
    matcher = Matcher([katakana, "ラ", hiragana, f"{katakana}{hiragana}"], "kana", normalize)
    assert matcher.match([f"黒{katakana}{hiragana}猫", f"ア{katakana}"]).to_pylist() == [[0, 2, 3], []]


@pytest.mark.parametrize("char", "\u30a0\u30fa\u30fc\u30ff\u31f0\u31ff\uff66\uff9f")
def test_ends_of_the_katakana(char: str) -> None:
    assert matches(char, f"猫{char}猫", "kana")
    assert not matches("ア", f"ア{char}", "kana")


@pytest.mark.parametrize("char", "\u309f\u30fb\u3100\u31ef\u3200\uff65\uffa0")
def test_neighbours_of_the_katakana(char: str) -> None:
    assert matches("ア", f"ア{char}", "kana")
    assert not matches("ア", f"ア{char}")


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


def test_ends_of_hiragana() -> None:
    """The last character before them is an ideographic comma's block, the first after them is katakana, a word."""
    for code, inside in ((0x303F, False), (0x3040, True), (0x309F, True), (0x30A0, True)):
        assert matches(chr(code), f"x{chr(code)}x", "kana") == inside, hex(code)


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


def test_unknown_normalization_is_an_error() -> None:
    with pytest.raises((UserError, ValueError), match="nfkc"):
        Matcher(["a"], normalize=cast(Normalization, "nfkc"))
