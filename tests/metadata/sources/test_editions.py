"""Which editions make a language's list."""

from __future__ import annotations

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.editions import all_editions, check_languages, editions_of


def test_a_language_has_its_own_edition_first() -> None:
    assert [edition.code for edition in editions_of("zh")] == ["zh", "gan", "wuu", "zh_classical", "zh_yue"]
    assert len(editions_of("other")) > 150
    assert sum(len(editions_of(language)) for language in {each.language for each in all_editions()}) == len(
        all_editions()
    )


def test_simple_english_is_one_of_other_unless_asked_for() -> None:
    assert [edition.code for edition in editions_of("en")] == ["en"]
    assert "simple" in [edition.code for edition in editions_of("other")]
    assert [edition.code for edition in editions_of("en", with_simple=True)] == ["en", "simple"]
    assert "simple" not in [edition.code for edition in editions_of("other", with_simple=True)]


def test_codes_of_pageviews() -> None:
    codes = {edition.code: edition.page_view_codes for edition in all_editions()}
    assert codes["de"] == ("de", "de.m", "de.zero")
    assert codes["zh_min_nan"][:2] == ("zh-min-nan", "zh-min-nan.m")
    assert codes["be_x_old"][0] == "be-tarask" and "be-x-old.m" in codes["be_x_old"]
    everything = [code for of_edition in codes.values() for code in of_edition]
    assert len(everything) == len(set(everything))
    assert not {"commons.m", "meta.m", "incubator.m", "www.w", "www.wd"} & set(everything)
    # The published code of MetaCLIP 2 adds the views of all projects of a language; these aren't Wikipedia's.
    projects = ("b", "d", "f", "n", "q", "s", "v", "voy")
    assert not {f"{code}.{project}" for code in everything for project in projects} & set(everything)


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ("xx", ["no Wikipedia with the code xx", "xh (Xhosa)"]),
        ("german", ["de (German)"]),
        ("zh-yue", ["zh_yue (Cantonese)"]),
        ("zh_yue", ["go into zh", "--languages zh"]),
        ("qqqqqq", ["metadata/README.md"]),
    ],
)
def test_an_unknown_code_is_reported_with_similar_ones(asked: str, parts: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        check_languages(["de", asked])
    assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_languages_once_each() -> None:
    assert check_languages(["fr", "de", "fr"]) == ["fr", "de"]
    with pytest.raises(UserError, match="--languages is missing"):
        check_languages([])
