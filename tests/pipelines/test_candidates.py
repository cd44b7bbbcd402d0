"""Candidates are compared by what the oracle says of them, and the t that is found is the closest of all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.threshold import CandidateOptions
from metaclip_curate.pipelines.candidates import CandidateComparison
from tests.support import made_run, oracle, runs
from tests.support.finished_runs import opened

Rows = list[dict[str, Any]]
Made = tuple[Path, dict[str, Rows]]
pytestmark = pytest.mark.usefixtures("spark")


def comparison(root: Path, **given: Any) -> CandidateComparison:
    return CandidateComparison(opened(root, "count"), CandidateOptions(**given), DrawOptions(), log=lambda line: None)


@pytest.mark.parametrize(
    ("given", "theirs"),
    [
        ({"t": (5, 20)}, [{"t": 5}, {"t": 20}]),
        ({"t": (9,), "anchor_language": "de"}, [{"t": 9, "anchor_language": "de"}]),
        ({"t": (9,), "same_t": True}, [{"t": 9, "same_t": True}]),
        ({"tail_share": (0.2, 0.7)}, [{"target_tail_share": 0.2}, {"target_tail_share": 0.7}]),
    ],
)
def test_choices_equal_the_oracles_thresholds(made: Made, given: dict[str, Any], theirs: Rows) -> None:
    rows = comparison(made[0], **given).results()
    matched, counts = made[1]["matched"], made[1]["counts"]
    assert len(rows) == len(theirs) + 1
    for row, options in zip(rows, theirs, strict=False):
        expected = {each["metadata_lang"]: each for each in oracle.thresholds(matched, counts, **options)}
        assert row.candidate.thresholds == {language: each["t"] for language, each in expected.items()}
        for language, each in expected.items():
            assert row.expected.pairs[language] == pytest.approx(each["expected_pairs"], rel=1e-12)
    assert rows[-1].expected.all_pairs == len(matched)


@pytest.mark.parametrize(("given", "target"), [({}, 301), ({"anchor_language": "de"}, 560), ({"same_t": True}, 60)])
def test_the_t_that_is_found_is_the_closest_of_all(made: Made, given: dict[str, Any], target: int) -> None:
    asked = comparison(made[0], target_pairs=target, **given)
    rows = asked.results()
    assert asked.found is not None
    assert asked.found.exact
    counts = oracle.counts_by_language(made[1]["counts"])
    pairs = [(row["entry_ids"], row["metadata_lang"]) for row in made[1]["matched"]]
    distances = {}
    for t in range(1, max(map(max, counts.values())) + 2):
        thresholds = asked._rule.candidate(asked.histograms, t).thresholds
        kept = (oracle.keep_probability(ids, counts[language], thresholds[language]) for ids, language in pairs)
        distances[t] = abs(math.fsum(kept) - target)
    assert distances[asked.found.t] == pytest.approx(min(distances.values()), abs=1e-9)
    assert [row.candidate.t for row in rows[:-1]] == sorted(
        {max(1, asked.found.t // 2), asked.found.t, 2 * asked.found.t}
    )


def test_the_expectation_of_a_run_is_the_one_in_its_thresholds(real: Path) -> None:
    found = comparison(real, t=(20,)).results()[0]
    written = {row["metadata_lang"]: row for row in runs.table(real, "thresholds")}
    assert found.candidate.thresholds == {language: row["t"] for language, row in written.items()}
    assert found.expected.pairs == {language: row["expected_pairs"] for language, row in written.items()}


def test_a_run_without_a_match(tmp_path: Path) -> None:
    made_run.write_run(tmp_path / "run", [])
    rows = comparison(tmp_path / "run", t=(5,), same_t=True).results()
    assert [row.expected.all_pairs for row in rows] == [0.0, 0.0]
    with pytest.raises(UserError, match="no text matched the anchor language en"):
        comparison(tmp_path / "run", target_pairs=5).results()
