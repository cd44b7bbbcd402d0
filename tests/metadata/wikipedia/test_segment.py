from __future__ import annotations

import time
from itertools import pairwise

import pytest

from metaclip_curate.matching import Matcher
from metaclip_curate.metadata.sources.editions import all_editions
from metaclip_curate.metadata.wikipedia.segment import LONGEST_TOKEN, Segmenter

TEXTS = {
    "punctuation ends a run": ("en", "A red, white (big) boat. It", ["A red", "white", "big", "boat", "It"]),
    "line breaks and what was left out end a run": ("en", "one two\nthree \ufffc four", ["one two", "three", "four"]),
    "several spaces don't": ("en", "one  two\u00a0three\tfour", ["one two three four"]),
    "case is kept": ("en", "Berlin BERLIN berlin", ["Berlin BERLIN berlin"]),
    "apostrophes and hyphens inside": (
        "en",
        "rock'n'roll don’t 'quoted' well-known -",
        ["rock'n'roll don’t", "quoted", "well-known"],
    ),
    "numbers as matching spaces them": ("en", "1,000 and 3.14 and 80 kg", ["1", "000 and 3", "14 and 80 kg"]),
    "symbols": ("en", "C++ AT&T 5 € a_b x=y", ["C", "AT", "T 5", "a", "b x", "y"]),
    "addresses": ("en", "see https://x.example/a?b=c now", ["see", "now"]),
    "soft hyphens and marks of direction": ("en", "light\u00adhouse \u200etower", ["lighthouse tower"]),
    "Catalan": ("ca", "col·lega · amic", ["col·lega", "amic"]),
    "French": ("fr", "l'homme d’État", ["l'homme d’État"]),
    "Hebrew abbreviation": ("he", 'צה"ל "הגנה"', ['צה"ל', "הגנה"]),
    "Persian non-joiner": ("fa", "می‌خواهم کتاب", ["می‌خواهم کتاب"]),
    "vowel signs": ("hi", "हिन्दी भाषा।", ["हिन्दी भाषा"]),
    "decomposed": ("vi", "Vie\u0323\u0302t Nam", ["Vie\u0323\u0302t Nam"]),
    "Thai": ("th", "ประเทศไทย iPhone 3.14", ["ประเทศไทย", "iPhone", "3", "14"]),
    "Khmer with zero-width spaces": ("km", "ប្រទេស\u200bកម្ពុជា", ["ប្រទេស|កម្ពុជា"]),
    "Lao": ("lo", "ປະເທດລາວ", ["ປະເທດ|ລາວ"]),
    "Japanese": ("ja", "東京は、日本の首都です。", ["東京|は", "日本|の|首都|です"]),
    "katakana stay whole": ("ja", "シャルロッテンブルク区", ["シャルロッテンブルク|区"]),
    "Chinese": ("zh", "北京是首都2008年", ["北京|是|首都|2008|年"]),
    "Chinese of another edition": ("gan", "北京是首都", ["北京|是|首都"]),
    "Burmese": ("my", "မြန်မာနိုင်ငံသည်", ["မြန်မာနိုင်ငံ|သည်"]),
    "Tibetan": ("bo", "བོད་ཡིག་ནི། བོད་མི་", ["བོད|ཡིག|ནི", "བོད|མི"]),
    "Shan": ("shn", "ၵႂၢမ်းတႆး", ["ၵႂၢမ်း|တႆး"]),
    "Mon": ("mnw", "ဘာသာမန်", ["ဘာ|သာ|မန်"]),
    "Yi": ("ii", "ꆈꌠꁱꂷ", ["ꆈ|ꌠ|ꁱ|ꂷ"]),
}


@pytest.mark.parametrize("name", TEXTS)
def test_tokens_and_neighbours(name: str) -> None:
    language, text, runs = TEXTS[name]
    segmenter = Segmenter(language)
    separator = " " if segmenter.joiner == " " else "|"
    assert list(segmenter.runs(text)) == [run.split(separator) for run in runs]


@pytest.mark.parametrize("language", ["en", "th", "bo"])
def test_a_bigram_stands_in_the_text(language: str) -> None:
    text = {"en": "a red boat, two men", "th": "ชาวประมงมองเห็นแสงไฟ ท่าเรือ", "bo": "བོད་ཡིག་ནི། བོད་མི"}[language]
    segmenter = Segmenter(language)
    bigrams = [segmenter.joiner.join(pair) for run in segmenter.runs(text) for pair in pairwise(run)]
    assert bigrams
    assert all(bigram in text for bigram in bigrams)


def test_matching_finds_the_tokens_and_pairs_of_a_text() -> None:
    text = "The well-known red boat, 1,000 kg; don't!"
    runs = list(Segmenter("en").runs(text))
    entries = [token for run in runs for token in run] + ["red boat", "well-known red"]
    assert Matcher(entries).match([text]).to_pylist() == [list(range(len(entries)))]


def test_every_language_without_spaces_is_segmented() -> None:
    joiners = {edition.code: Segmenter(edition.code).joiner for edition in all_editions() if edition.without_spaces}
    assert len(joiners) == 18
    # Tai Nuea is written with spaces between syllables.
    assert [code for code, joiner in joiners.items() if joiner == " "] == ["tdd"]
    assert [code for code, joiner in joiners.items() if joiner == "\u0f0b"] == ["bo", "dz"]


def test_languages_with_spaces_are_joined_by_one() -> None:
    assert {Segmenter(edition.code).joiner for edition in all_editions() if not edition.without_spaces} == {" "}


def test_tokens_that_are_too_long_are_left_out() -> None:
    long = "x" * (LONGEST_TOKEN + 1)
    assert list(Segmenter("en").runs(f"a b {long} c {long}")) == [["a", "b"], ["c"]]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["a" * 100_000, "a-" * 50_000, "a '" * 50_000, "\u0301" * 100_000, "'" * 100_000])
@pytest.mark.parametrize("language", ["en", "th"])
def test_time_grows_with_the_text(language: str, text: str) -> None:
    started = time.process_time()
    list(Segmenter(language).runs(text))
    assert time.process_time() - started < 5
