"""Ranked sources to one list, and what an entry may be."""

from __future__ import annotations

import string

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.building.merge import ENTRIES, Candidates, MergedList, is_only_punctuation, is_usable
from metaclip_curate.options.merge_metadata import MergeOptions, SourceLimits


def merged(*sources: Candidates) -> MergedList:
    result = MergedList()
    for source in sources:
        result.add(source)
    return result


def test_a_repeat_takes_no_place_and_is_noted() -> None:
    result = merged(
        Candidates("numbers", ["0", "1"]),
        Candidates("unigrams", ["the", "1", "dog", "cat"], [9, 8, 7, 6], most=2),
        Candidates("titles", ["dog", "1", "Dog", "the", "Cat"], [5, 4, 3, 2, 1], most=9),
    )
    assert result.entries == ["0", "1", "the", "dog", "Dog", "Cat"]
    assert result.added == {"numbers": 2, "unigrams": 2, "titles": 2}
    assert result.repeats == {"numbers": 0, "unigrams": 1, "titles": 3}
    rows = result.table().to_pylist()
    assert rows[3] == {
        "entry": "dog",
        "id": 3,
        "source": "unigrams",
        "rank": 3,
        "score": 7.0,
        "also_in": ["titles"],
    }
    assert rows[1]["also_in"] == ["unigrams", "titles"]
    assert rows[0]["score"] is None
    assert result.table().schema == ENTRIES


@given(st.lists(st.tuples(st.lists(st.sampled_from("abcdefgh"), unique=True), st.integers(0, 9)), max_size=5))
def test_what_holds_of_any_merge(sources: list[tuple[list[str], int]]) -> None:
    result = merged(*(Candidates(str(place), entries, None, most) for place, (entries, most) in enumerate(sources)))
    assert len(set(result.entries)) == len(result.entries)
    for place, (entries, most) in enumerate(sources):
        mine = [entry for entry, source in zip(result.entries, result.sources, strict=True) if source == str(place)]
        earlier = {e for e, s in zip(result.entries, result.sources, strict=True) if int(s) < place}
        assert mine == [entry for entry in entries if entry not in earlier][:most]
        assert result.added[str(place)] == len(mine) <= most


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
    second, first = MergeOptions().limits(), MergeOptions(preset="metaclip1").limits()
    assert (second.numbers, second.wordnet_names, first.numbers, first.wordnet_names) == (100, "all", 0, "first")
    for limits in (first, second):
        assert [each.most for each in (limits.unigrams, limits.bigrams, limits.titles)] == [251_465, 100_646, 61_235]
    assert (first.unigrams.minimum, first.unigrams.share) == (100, None)
    assert (first.titles.minimum, first.titles.share) == (70, None)
    # English: 86,654 names of synsets and these are the 500,000 of the paper.
    assert 86_654 + 251_465 + 100_646 + 61_235 == 500_000
    assert MergeOptions(preset="metaclip1", unigrams_share=0.5, numbers=3).limits().unigrams.share is not None


@pytest.mark.parametrize(
    ("share", "candidates", "of_minimum", "within"),
    [(0.1, 30, 30, 3), (0.1, 31, 31, 4), (0.1, 1, 1, 1), (0.1, 0, 0, 0), (0.76, 25, 25, 19), (0.1, 100, 5, 5)],
)
def test_a_share_is_of_all_candidates_and_rounded_up(
    share: float, candidates: int, of_minimum: int, within: int
) -> None:
    limits = MergeOptions(unigrams_share=share).limits().unigrams
    assert limits.candidates_within(candidates, of_minimum) == within
    assert SourceLimits(1, None, 9).candidates_within(candidates, of_minimum) == of_minimum


@pytest.mark.parametrize("given_options", [{"unigrams_share": 1.5}, {"titles_most": -1}, {"max_entry_length": 0}])
def test_options_out_of_range(given_options: dict[str, float]) -> None:
    with pytest.raises(UserError, match="--"):
        MergeOptions(**given_options)  # type: ignore[arg-type]


def test_an_empty_list_has_the_schema() -> None:
    assert MergedList().table().schema == ENTRIES
    assert pa.Table.from_pylist([], ENTRIES).equals(MergedList().table())
