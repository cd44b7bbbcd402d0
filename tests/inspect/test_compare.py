"""What differs between two data cards, and between the languages of two runs."""

from __future__ import annotations

from typing import Any

from metaclip_curate.inspect.compare import Difference, differences, language_changes


def datacard(seed: int, t: int, **more: Any) -> dict[str, Any]:
    language = {"metadata_lang": "en", "t": t, "pairs_in": 10, "pairs_out": 4}
    language |= {"head_matches_out": 1, "tail_matches_out": 3}
    options = {"balance": {"t": t, "same_t": False}}
    return {"format": 1, "seed": seed, "command": f"run --t {t}", "options": options, "languages": [language], **more}


def test_nested_values_that_differ_are_named_with_dots() -> None:
    found = differences(datacard(0, 5), datacard(1, 20, download=None) | {"expected_pairs": 2.5})
    assert found == [
        Difference("seed", 0, 1),
        Difference("options.balance.t", 5, 20),
        Difference("expected_pairs", None, 2.5),
    ]


def test_equal_data_cards_differ_in_nothing_but_their_commands() -> None:
    assert differences(datacard(0, 5), datacard(0, 5, command="another")) == []


def test_a_language_that_only_one_run_has() -> None:
    counted = [
        {"metadata_lang": "en", "both": 3, "lost": 1, "gained": 0, "other_probability": 2},
        {"metadata_lang": "de", "both": 0, "lost": 0, "gained": 7, "other_probability": 0},
    ]
    after = datacard(0, 5)
    after["languages"] = [*after["languages"], {"metadata_lang": "de", "t": 2, "pairs_in": 9, "pairs_out": 7}]
    new, kept = language_changes(datacard(0, 5), after, counted)
    assert (new.metadata_lang, new.t, new.matched, new.kept) == ("de", (None, 2), (0, 9), (0, 7))
    assert (new.gained, new.head_share) == (7, (None, None))
    assert (kept.metadata_lang, kept.both, kept.lost, kept.other_probability) == ("en", 3, 1, 2)
    assert kept.head_share == (0.25, 0.25)
