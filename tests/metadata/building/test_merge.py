"""Ranked sources to one list, and what an entry may be."""

from __future__ import annotations

import string
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.building.merge import (
    ENTRIES,
    Candidates,
    MergedList,
    Taken,
    is_only_punctuation,
    is_usable,
)
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.merge_metadata import PAPER_ENTRIES, MergeOptions, SourceLimits
from metaclip_curate.options.parser import OptionParser


def test_a_repeat_takes_no_place_and_is_noted() -> None:
    result = MergedList()
    taken = [
        result.add(Candidates("numbers", ["0", "1"])),
        result.add(Candidates("unigrams", ["the", "1", "dog", "cat"], [9, 8, 7, 6], 2, "en")),
        result.add(Candidates("titles", ["dog", "1", "Dog", "the", "Cat"], [5, 4, 3, 2, 1], 9, "en")),
    ]
    assert result.entries == ["0", "1", "the", "dog", "Dog", "Cat"]
    assert taken == [
        Taken(None, 2, 2, 0, "1", None),
        Taken(2, 2, 2, 1, "dog", 7.0),
        Taken(9, 2, 2, 3, "Cat", 1.0),
    ]
    rows = result.table().to_pylist()
    assert rows[3] == {
        "entry": "dog",
        "id": 3,
        "source": "unigrams",
        "wikipedia": "en",
        "rank": 3,
        "score": 7.0,
        "also_in": ["titles"],
    }
    assert rows[1]["also_in"] == ["unigrams", "titles"]
    assert (rows[0]["score"], rows[0]["wikipedia"]) == (None, "")
    assert result.table().schema == ENTRIES


def test_each_wikipedia_has_limits_of_its_own_and_the_list_is_the_union() -> None:
    result = MergedList()
    result.add(Candidates("wordnet", ["狗"]))
    result.add(Candidates("unigrams", ["狗", "貓", "魚"], [9, 8, 7], 1, "gan"))
    # What gan added takes a place of zh all the same, so that zh's part is what it would be alone.
    assert result.add(Candidates("unigrams", ["貓", "狗", "魚", "鳥"], [9, 8, 7, 6], 2, "zh")) == Taken(
        2, 2, 1, 1, "魚", 7.0
    )
    assert result.add(Candidates("titles", ["魚", "貓", "鳥"], [3, 2, 1], 1, "zh")) == Taken(1, 1, 1, 2, "鳥", 1.0)
    assert result.entries == ["狗", "貓", "魚", "鳥"]
    assert result.wikipedias == ["", "gan", "zh", "zh"]
    assert [row["also_in"] for row in result.table().to_pylist()] == [
        ["unigrams"],
        ["unigrams of zh", "titles of zh"],
        ["titles"],
        [],
    ]
    assert (result.known_to("gan"), result.known_to("zh"), result.known_to("wuu")) == (2, 4, 1)


Given = list[tuple[str, str, list[str], int]]
_LETTERS = st.lists(st.sampled_from("abcdefgh"), unique=True)
_MOST = st.integers(0, 9)
_SHARED = st.lists(st.tuples(st.just(""), st.sampled_from(["numbers", "wordnet"]), _LETTERS, _MOST), max_size=2)
_OF_WIKIPEDIA = st.tuples(st.sampled_from(["x", "y"]), st.sampled_from(["unigrams", "titles"]), _LETTERS, _MOST)


@given(_SHARED, st.lists(_OF_WIKIPEDIA, max_size=5))
def test_what_holds_of_any_merge(shared: Given, of_wikipedias: Given) -> None:
    result = MergedList()
    union: list[str] = []
    own: dict[str, list[str]] = {"": []}
    for wikipedia, source, entries, most in [*shared, *of_wikipedias]:
        mine = own.setdefault(wikipedia, [])
        fresh = [entry for entry in entries if entry not in own[""] and entry not in mine][:most]
        mine += fresh
        taken = result.add(Candidates(source, entries, None, most, wikipedia))
        assert (taken.taken, taken.last) == (len(fresh), fresh[-1] if fresh else None)
        assert taken.entries == len([entry for entry in fresh if entry not in union])
        union += [entry for entry in fresh if entry not in union]
    assert result.entries == union


@pytest.mark.parametrize("entry", [*string.punctuation, "...", "「」", "～—", "€", "\u200b", "", " ", "-_-", "¿?"])
def test_punctuation_only(entry: str) -> None:
    assert is_only_punctuation(entry)
    assert not is_usable(entry, 256)


@pytest.mark.parametrize("entry", ["a", "0", "C++", "St.", "狗", "½", "😀", "ा", ".NET", "°"])
def test_more_than_punctuation(entry: str) -> None:
    assert is_usable(entry, 256)


def test_too_long_and_more_than_a_line() -> None:
    assert is_usable("狗" * 256, 256)
    assert not is_usable("狗" * 257, 256)
    assert not is_usable("a\nb", 256)
    assert not is_usable("a\r", 256)


def test_limits_of_the_presets() -> None:
    options = MergeOptions()
    first, second = options.limits("en"), options.limits("de")
    assert (first.preset, second.preset) == ("metaclip1", "metaclip2")
    assert (first.numbers, first.wordnet_names, second.numbers, second.wordnet_names) == (100, "first", 100, "all")
    for limits in (first, second):
        assert [each.most for each in (limits.unigrams, limits.bigrams, limits.titles)] == [251_465, 100_646, 61_235]
        assert (limits.bigrams.min_pmi, limits.bigrams.min_count) == (None, None)
    assert (first.unigrams.minimum, first.unigrams.share, first.bigrams.share) == (100, None, None)
    assert (first.titles.minimum, first.titles.share, first.lowest_pair_count) == (70, None, 100)
    assert (second.unigrams.minimum, second.unigrams.share, second.bigrams.share) == (
        1,
        Fraction(1, 10),
        Fraction(2, 5),
    )
    assert (second.titles.minimum, second.titles.share, second.lowest_pair_count) == (1, Fraction(76, 100), 1)
    assert sum(PAPER_ENTRIES.values()) == 500_000


def test_a_given_value_wins_over_preset_and_rule() -> None:
    assert MergeOptions(preset="metaclip2").limits("en") == MergeOptions().limits("de")
    assert MergeOptions(preset="metaclip1", unigrams_share=0.5).limits("de").unigrams == SourceLimits(
        100, Fraction(1, 2), 251_465
    )
    published = MergeOptions(bigrams="published").limits("en")
    assert (published.bigrams.min_pmi, published.bigrams.min_count, published.lowest_pair_count) == (30, 1, 1)
    both = MergeOptions(bigrams="published", bigrams_min_pmi=6, bigrams_min_count=3, bigrams_share=1).limits("de")
    assert (both.bigrams.min_pmi, both.bigrams.min_count, both.bigrams.share) == (6, 3, Fraction(1))
    assert MergeOptions(bigrams_min_count=5).limits("en").lowest_pair_count == 5


def test_each_rule_of_ngrams_has_one_option_and_keeps_its_former_name() -> None:
    parser = OptionParser("build")
    add_options(parser, "merge", MergeOptions)
    former = ["--lowest-pmi", "6", "--lowest-bigram-count", "3", "--lowest-unigram-count", "2"]
    given_merge = given_options(parser.parse_args(former), {"merge": MergeOptions})["merge"]
    assert given_merge == MergeOptions(bigrams_min_pmi=6, bigrams_min_count=3, unigrams_min_count=2)


@pytest.mark.parametrize(
    ("share", "usable", "limit"), [(0.1, 30, 3), (0.1, 31, 4), (0.1, 1, 1), (0.1, 0, 0), (0.76, 25, 19), (1, 9, 7)]
)
def test_a_share_is_of_all_usable_strings_and_rounded_up(share: float, usable: int, limit: int) -> None:
    limits = MergeOptions(unigrams_share=share, unigrams_most=7 if share == 1 else 251_465).limits("de").unigrams
    assert limits.most_of(usable) == limit


def test_bigrams_are_a_share_of_the_unigrams_that_were_added_and_rounded_down() -> None:
    bigrams = MergeOptions().limits("de").bigrams
    assert [bigrams.after_unigrams(added).most for added in (0, 2, 5, 7, 10**6)] == [0, 0, 2, 2, 100_646]
    assert MergeOptions().limits("en").bigrams.after_unigrams(2).most == 100_646


@pytest.mark.parametrize("given_options", [{"unigrams_share": 1.5}, {"titles_most": -1}, {"bigrams_min_count": 0}])
def test_options_out_of_range(given_options: dict[str, float]) -> None:
    with pytest.raises(UserError, match="--"):
        MergeOptions(**given_options)  # type: ignore[arg-type]


def test_an_empty_list_has_the_schema() -> None:
    assert MergedList().table().schema == ENTRIES
    assert pa.Table.from_pylist([], ENTRIES).equals(MergedList().table())
