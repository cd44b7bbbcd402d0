"""What is said about the sources of a list, and what is suspicious."""

from __future__ import annotations

from metaclip_curate.metadata.building.merge import Taken
from metaclip_curate.metadata.building.source_report import SourceReport, warnings_of
from metaclip_curate.options.merge_metadata import MergeOptions

NUMBERS = SourceReport("numbers", "", 100, Taken(None, 100, 100, 0, "99", None))


def titles(wikipedia: str, taken: Taken, **strings: float | None) -> SourceReport:
    return SourceReport("titles", wikipedia, 9, taken, "views", {"rows": 9, **strings})


def test_a_line_names_candidates_limit_and_the_last_entry() -> None:
    assert NUMBERS.line(several=True) == "numbers: 100 candidates, 100 taken, the last '99'"
    report = titles("zh", Taken(8, 5, 3, 1, "狗", 1234.0))
    assert report.line(several=False) == "titles: 9 candidates, limit 8, 5 taken, the last '狗' with views 1,234"
    assert report.line(several=True) == (
        "titles of zh: 9 candidates, limit 8, 5 taken, 3 of them new, the last '狗' with views 1,234"
    )
    assert titles("zh", Taken(0, 0, 0, 0, None, None)).line(several=False) == "titles: 9 candidates, limit 0, 0 taken"


def test_a_source_of_which_nothing_was_taken() -> None:
    def found(*reports: SourceReport) -> list[str]:
        return warnings_of("zh", MergeOptions().limits("zh"), [NUMBERS, *reports], 1_000)

    nothing = Taken(8, 0, 0, 0, None, None)
    assert found(titles("zh", nothing, rows=0, lines=7)) == [
        "titles: none was taken, 0 of 7 lines of the page views count for zh"
    ]
    assert found(titles("zh", Taken(8, 0, 0, 9, None, None))) == [
        "titles: none was taken, all 9 candidates are in the list already"
    ]
    low = SourceReport("titles", "zh", 0, nothing, "views", {"rows": 9, "usable": 4, "highest": 69})
    assert found(low) == ["titles: none was taken, 0 of 4 have the lowest views; the highest is 69"]
    none_usable = SourceReport("titles", "zh", 0, nothing, "views", {"rows": 9, "usable": 0, "highest": None})
    assert found(none_usable) == ["titles: none was taken, 0 of 9 strings can be entries"]
    some = titles("gan", Taken(8, 1, 1, 0, "a", 1.0))
    assert found(low, some, titles("wuu", nothing)) == ["titles: none was taken from 2 of 3 Wikipedias (zh, wuu)"]
    # A limit of 0 is what was asked for.
    assert found(titles("zh", Taken(0, 0, 0, 0, None, None)), some) == []


def test_presets_and_short_lists() -> None:
    first = MergeOptions(preset="metaclip1")
    assert warnings_of("en", first.limits("en"), [NUMBERS], 1_000) == []
    preset, short = warnings_of("de", first.limits("de"), [NUMBERS], 999)
    assert "--preset metaclip1 isn't the papers' preset of de, which is metaclip2" in preset
    assert short.startswith("the list has only 999 entries (numbers 100)")
    assert "which is metaclip1" in warnings_of("en", MergeOptions(preset="metaclip2").limits("en"), [NUMBERS], 1_000)[0]
