"""Searches of explore, against a search through the rows in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.inspect.explain import Explainer
from metaclip_curate.inspect.explore.index import PairIndex
from metaclip_curate.inspect.explore.search import NO_LANGUAGE, Found, FoundPair, Query, Search, SearchTooLongError
from metaclip_curate.inspect.explore.server import _render
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.options.explore import ExploreOptions
from metaclip_curate.run.fates import Fate
from metaclip_curate.run.finished import open_finished
from metaclip_curate.run.funnel import funnel
from metaclip_curate.run.stages import STAGES
from metaclip_curate.screens.reasons import IMAGE_REASONS
from metaclip_curate.storage import StorageOptions
from tests.support import made_run, oracle
from tests.support.finished_runs import contents

Rows = list[dict[str, Any]]
pytest.importorskip("duckdb")
REASONS = ("words", "host")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows, dict[str, Rows]]:
    """A run with pairs of every fate but removed, its distinct pairs, and its tables."""
    root = tmp_path_factory.mktemp("explore") / "run"
    rows = made_run.matched_rows(images=300, seed=5)
    for number, row in enumerate(rows):
        row["url"] = row["url"].replace("images.", ("", "a.", "b.a.")[number % 3])
        row["text"] += ("", " 100% Ünder_score's", " .*(")[number % 3]
        row["uid"] = oracle.uid_of(row["url"], row["text"])
        row["image_id"] = oracle.image_id_of(row["url"])
    others = rows[:90]
    for number, row in enumerate(others):
        row["lang"] = ("ka", "en", "de")[number % 3]
    screened = [
        {"uid": row["uid"], "metadata_lang": "", "reason": REASONS[number % 2]}
        for number, row in enumerate(others[:30])
    ]
    tables = made_run.write_run(root, rows[90:], t=10, texts_per_image="one", others=others, screened=screened)
    return root, rows, {**tables, "screened": screened}


@pytest.fixture(scope="module")
def search(run: tuple[Path, Rows, dict[str, Rows]]) -> Iterator[Search]:
    before = contents(run[0])
    with PairIndex(open_finished(str(run[0]), "sample", StorageOptions()), ExploreOptions()) as index:
        yield Search(index, False)
    assert contents(run[0]) == before  # all that was searched has changed nothing


def all_found(search: Search, **asked: str) -> list[FoundPair]:
    pairs: list[FoundPair] = []
    found = Found(1, more=True)
    while found.more:
        found = search.find(Query.of({**asked, "after": pairs[-1].uid if pairs else ""}))
        pairs += found.pairs
        assert found.total >= len(pairs)
    assert found.total == len(pairs)
    assert [pair.uid for pair in pairs] == sorted(pair.uid for pair in pairs)
    return pairs


CASES: list[tuple[dict[str, str], Callable[[dict[str, Any]], bool]]] = [
    ({}, lambda row: True),
    ({"text": "TEXT 1"}, lambda row: "text 1" in row["text"]),
    ({"text": "100% üNDER_"}, lambda row: "100% Ünder_" in row["text"]),
    ({"text": "%"}, lambda row: "%" in row["text"]),
    ({"text": ".*("}, lambda row: ".*(" in row["text"]),
    ({"text": "score's"}, lambda row: "score's" in row["text"]),
    ({"text": "' OR 1=1 --"}, lambda row: False),
    ({"host": "a.example"}, lambda row: row["url"].split("/")[2] in ("a.example", "b.a.example")),
    ({"host": "B.A.example."}, lambda row: row["url"].split("/")[2] == "b.a.example"),
    (
        {"host": "https://user@B.a.example:8080/x/1.jpg?host=c.example"},
        lambda row: row["url"].split("/")[2] == "b.a.example",
    ),
    ({"host": "b.a.example:8080"}, lambda row: row["url"].split("/")[2] == "b.a.example"),
    ({"host": "//b.a.example/x"}, lambda row: row["url"].split("/")[2] == "b.a.example"),
    ({"host": "example"}, lambda row: True),
    ({"host": "ample"}, lambda row: False),
    ({"uid": "A"}, lambda row: row["uid"].startswith("a")),
    ({"language": "xx"}, lambda row: False),
]


@pytest.mark.parametrize(("asked", "fits"), CASES)
def test_what_is_found(
    search: Search, run: tuple[Path, Rows, dict[str, Rows]], asked: dict[str, str], fits: Callable[[Any], bool]
) -> None:
    assert {pair.uid for pair in all_found(search, **asked)} == {row["uid"] for row in run[1] if fits(row)}


def test_entries_languages_and_both(search: Search, run: tuple[Path, Rows, dict[str, Rows]]) -> None:
    matched = run[2]["matched"]
    entry = made_run.METADATA["en"][0]
    expected = {row["uid"] for row in matched if row["metadata_lang"] == "en" and 0 in row["entry_ids"]}
    assert {pair.uid for pair in all_found(search, entry=entry)} == expected
    assert {pair.uid for pair in all_found(search, entry=f"\u00a0{entry}".strip().replace(" ", "\u00a0"))} == expected
    assert {pair.uid for pair in all_found(search, entry=entry, language="en", text="text")} == expected
    assert search.find(Query(entry=entry, language="de")).remark.startswith(
        "No text of de contains an entry 'en entry 0'"
    )
    assert search.find(Query(entry=entry.upper())).total == 0
    assert search.find(Query(language="xx")).remark.startswith("There are no pairs of a language 'xx'")
    without = {row["uid"] for row in run[1][:90] if row["lang"] == "ka"}
    found = all_found(search, language=NO_LANGUAGE)
    assert {pair.uid for pair in found} >= without - {row["uid"] for row in run[2]["screened"]}
    assert sum(search.languages.values()) == len(run[1])


def test_fates_and_verdicts_are_those_of_the_tables_and_of_explain(
    search: Search, run: tuple[Path, Rows, dict[str, Rows]]
) -> None:
    root, rows, tables = run
    of_uid = {name: {row["uid"]: row for row in tables[name]} for name in ("screened", "matched", "manifest")}
    drawing = {row["uid"] for row in oracle.one_text_per_image(tables["matched"], 0)}
    found = {pair.uid: pair for pair in all_found(search)}
    for row in rows:
        language = row["metadata_lang"] if row["uid"] in of_uid["matched"] else row["lang"].replace("ka", "")
        assert (found[row["uid"]].fate, found[row["uid"]].reason) == oracle.fate(row, of_uid, language, False, drawing)
    by_fate = {fate: all_found(search, fate=fate) for fate in Fate}
    assert {fate: len(pairs) for fate, pairs in by_fate.items()} == {
        fate: sum(pair.fate == fate for pair in found.values()) for fate in Fate
    }
    assert [fate for fate, pairs in by_fate.items() if not pairs] == [Fate.REMOVED]
    words = {row["uid"] for row in tables["screened"] if row["reason"] == "words"}
    assert {pair.uid for pair in all_found(search, fate="screened:words")} == words
    folder = open_finished(str(root), "sample", StorageOptions())
    for fate in (Fate.KEPT, Fate.NOT_DRAWN):
        for pair in by_fate[fate][:2]:
            (explained,) = Explainer(folder, ExplainOptions(uid=pair.uid)).explain()
            assert pair.verdict == explained.verdict
            assert [entry.entry for entry in pair.entries] == [entry.entry for entry in explained.entries]
            assert [entry.probability for entry in pair.entries] == [entry.probability for entry in explained.entries]


def test_a_rebalanced_run_has_the_pairs_that_were_rejected_for_their_image(tmp_path: Path) -> None:
    rows = made_run.matched_rows(images=60, seed=5)
    reasons = [*IMAGE_REASONS, "near_duplicate"]
    details = ["", *(f"{reason} of something" for reason in reasons[1:])]
    rejected = [
        {**row, "reason": reason, "detail": detail} for row, reason, detail in zip(rows, reasons, details, strict=False)
    ]
    lost = {"missing": 3, **Counter(reasons)}
    made_run.write_run(tmp_path / "run", rows[len(rejected) :], t=10, screened=rejected, lost=lost)
    folder = open_finished(str(tmp_path / "run"), "sample", StorageOptions())
    with PairIndex(folder, ExploreOptions()) as index:
        search = Search(index, False)
        for reason in IMAGE_REASONS:
            found = all_found(search, fate=f"screened:{reason}")
            assert {pair.uid for pair in found} == {row["uid"] for row in rejected if row["reason"] == reason}
            for pair in found:
                (explained,) = Explainer(folder, ExplainOptions(uid=pair.uid)).explain()
                assert (pair.verdict, pair.reason) == (explained.verdict, explained.reason)
                assert (pair.text, pair.metadata_lang) == (explained.text, explained.metadata_lang)
        assert {pair.uid for pair in all_found(search)} == {row["uid"] for row in rows}
        assert index.pairs == index.all_pairs == len(rows)
        steps = {step.key: step.value for step in funnel(folder, STAGES).steps}
        assert index.pairs + steps["lost_missing"] == steps["manifest_before"]
        assert index.fates["kept", ""] == steps["kept"]
        assert {
            ("screened", reason): steps[f"lost_{reason}"] for reason in IMAGE_REASONS
        }.items() <= index.fates.items()
        html = _render(index, search, (Query(), dict.fromkeys(Query.__dataclass_fields__, "")), Found(0), "", 0.0)
    assert f"<p>{len(rows)} downloaded pairs, as" in html
    assert '<option value="screened:near_duplicate">rejected by a screen: with a near duplicate' in html


def test_a_large_run_is_sampled_by_uid(run: tuple[Path, Rows, dict[str, Rows]]) -> None:
    folder = open_finished(str(run[0]), "sample", StorageOptions())
    with PairIndex(folder, ExploreOptions(pairs=len(run[1]) // 2)) as index:
        uids = sorted(row["uid"] for row in run[1])
        found = [pair.uid for pair in all_found(Search(index, False))]
        assert found == uids[: len(found)]
        assert 0.35 * len(uids) < len(found) == index.pairs < 0.65 * len(uids)
        assert index.all_pairs == len(uids)


def test_a_run_without_pairs(tmp_path: Path) -> None:
    made_run.write_run(tmp_path / "run", [])
    with PairIndex(open_finished(str(tmp_path / "run"), "sample", StorageOptions()), ExploreOptions()) as index:
        assert Search(index, False).find(Query(text="a")) == Found(0)


def test_a_search_that_takes_too_long_is_ended(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    def never_ending(self: Search, cursor: Any, query: Query) -> Found:
        cursor.execute("SELECT count(*) FROM range(1000000000000) WHERE hash(range) = 0")
        return Found(0)

    with monkeypatch.context() as patch:
        patch.setattr(Search, "_find", never_ending)
        with pytest.raises(SearchTooLongError):
            search.find(Query(), seconds=0.5)
    assert search.find(Query()).total


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"text": "a" * 1001}, "text has 1,001 characters: search for at most 1,000"),
        ({"host": "a\0b"}, "host has a control character"),
        ({"host": "https:///x"}, "host has no host in https:///x: give one"),
        ({"uid": "xyz"}, "uid isn't a uid or the beginning of one"),
        ({"after": "'"}, "after isn't a uid"),
        ({"fate": "lost"}, "state has no value lost: choose one of kept, not_drawn"),
    ],
)
def test_values_that_nothing_can_have(asked: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Query.of(asked)
