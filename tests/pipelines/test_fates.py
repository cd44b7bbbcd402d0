"""metaclip-curate fates: a row for each distinct pair, sums as in the funnel, and the same as explain says."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from metaclip_curate.cli import main
from metaclip_curate.errors import UserError
from metaclip_curate.inspect.explain import Explainer
from metaclip_curate.language import load_language_table
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.options.fates import FatesOptions
from metaclip_curate.pipelines.fates import FateCounts, find_fates
from metaclip_curate.pipelines.removal import Remover
from metaclip_curate.run.fates import Fate
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import funnel
from metaclip_curate.run.stages import STAGES
from metaclip_curate.schemas import FATES
from metaclip_curate.screens.reasons import IMAGE_REASONS
from metaclip_curate.screens.removed import Removal
from tests.commands.test_json import FORMS, faults
from tests.support import made_run, oracle, runs
from tests.support.finished_runs import contents, opened

Rows = list[dict[str, Any]]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("spark")]


class Made(NamedTuple):
    """A made run: its pairs, tables and pairs that were taken down, and the numbers and rows of `fates`."""

    root: Path
    rows: Rows
    tables: dict[str, Rows]
    gone: set[str]
    found: FateCounts
    fated: dict[str, dict[str, Any]]


def fates(root: Path, output: Path, **given: Any) -> tuple[FateCounts, dict[str, dict[str, Any]]]:
    found = find_fates(opened(root, "sample"), FatesOptions(output=str(output), **given))
    rows: Rows = pq.read_table(output).to_pylist()
    assert len({row["uid"] for row in rows}) == len(rows) == found.pairs
    assert Counter(row["fate"] for row in rows) == Counter({name: n for name, n in found.fates.items() if n})
    return found, {row["uid"]: row for row in rows}


def by_uid(rows: Rows) -> dict[str, dict[str, Any]]:
    return {row["uid"]: row for row in rows}


def test_every_pair_has_the_fate_that_the_tables_give_it(real: Path, tmp_path: Path) -> None:
    before = contents(real)
    found, rows = fates(real, tmp_path / "fates", entries=True)
    assert contents(real) == before
    tables = {name: by_uid(runs.table(real, name)) for name in ("distinct", "screened", "matched", "manifest")}
    entries = {(row["metadata_lang"], row["entry_id"]): row["entry"] for row in runs.table(real, "counts")}
    languages, listed = load_language_table(), {path.stem for path in (real.parent / "metadata").iterdir()}
    assert rows.keys() == tables["distinct"].keys()
    for uid, row in rows.items():
        pair = tables["distinct"][uid]
        assert all(row[name] == pair[name] for name in ("url", "text", "lang", "lang_score", "image_id"))
        language = languages.metadata_language(pair["lang"], listed)
        language = language if language in listed else ""
        expected = oracle.fate(pair, tables, language, False, set(tables["matched"]))
        assert (row["fate"], row["reason"], row["metadata_lang"]) == (*expected, language)
        if uid in tables["matched"]:
            assert row["entry_ids"] == tables["matched"][uid]["entry_ids"]
            assert row["entries"] == [entries[language, entry_id] for entry_id in row["entry_ids"]]
            assert (row["draw"] < row["keep_probability"]) == (row["fate"] == "kept")
            assert row["draw"] == oracle.draw(uid, 0)
        else:
            assert row["entries"] is row["entry_ids"] is row["draw"] is None
    steps = {step.key: step.value for step in funnel(RunFolder(str(real)), STAGES).steps}
    assert found.pairs == steps["distinct"]
    assert {name: found.fates[name] for name in ("kept", "not_drawn", "unmatched", "no_metadata")} == {
        name: steps[name] for name in ("kept", "not_drawn", "unmatched", "no_metadata")
    }
    assert found.screened == {name[9:]: pairs for name, pairs in steps.items() if name.startswith("screened_")}
    assert found.fates["unmatched"] and found.fates["not_drawn"]
    with pytest.raises(UserError, match="isn't empty: name a new folder"):
        fates(real, tmp_path / "fates")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A run with pairs of every fate, and what `fates` finds about it."""
    root, rows = tmp_path_factory.mktemp("made") / "run", made_run.matched_rows(images=120, seed=3)
    others, matched = rows[:9], rows[9:]
    for row, lang in zip(others, ["ka", "en", "xx"] * 3, strict=True):
        row["lang"] = lang
    screened = [
        {"uid": row["uid"], "metadata_lang": "", "reason": reason}
        for row, reason in zip(others[3:5], ("words", "host"), strict=True)
    ]
    tables = made_run.write_run(root, matched, t=8, texts_per_image="one", others=others, screened=screened)
    gone = {row["uid"] for row in tables["manifest"][:2]}
    Remover(RunFolder(str(root)), lambda line: None).remove([Removal("uid", uid) for uid in gone], "asked for", False)
    found, fated = fates(root, root.parent / "fates")
    return Made(root, rows, {**tables, "screened": screened}, gone, found, fated)


def test_every_fate(made: Made) -> None:
    matched = made.tables["matched"]
    drawing = {row["uid"] for row in oracle.one_text_per_image(matched, 0)}
    kept = [row for row in made.tables["manifest"] if row["uid"] not in made.gone]
    tables = {"screened": by_uid(made.tables["screened"]), "matched": by_uid(matched), "manifest": by_uid(kept)}
    assert made.fated.keys() == {row["uid"] for row in made.rows}
    for row in made.rows:
        language = row["lang"] if row["lang"] in made_run.METADATA else ""
        expected = oracle.fate(row, tables, language, row["uid"] in made.gone, drawing)
        assert (made.fated[row["uid"]]["fate"], made.fated[row["uid"]]["reason"]) == expected
    assert {row["fate"] for row in made.fated.values()} == set(Fate)
    assert made.found.screened == {"host": 1, "words": 1}
    assert [field.name for field in pq.read_schema(next((made.root.parent / "fates").iterdir()))] == FATES.names


def test_explain_says_the_same(made: Made) -> None:
    says = {"kept": "kept", "not_drawn": "dropped", "other_text": "left out: of the image", "removed": "removed"}
    uids = [next(uid for uid, row in made.fated.items() if row["fate"] == fate) for fate in says]
    explained = Explainer(opened(made.root, "sample").folder, ExplainOptions(uid="0"))._of_uids(uids)
    for each, beginning in zip(explained, says.values(), strict=True):
        assert each.verdict.startswith(beginning)


def printed(
    root: Path, found: FateCounts, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The lines of the command for numbers that were found before, with single spaces."""
    monkeypatch.setattr("metaclip_curate.pipelines.fates.find_fates", lambda run, options: found)
    capsys.readouterr()
    assert main(["fates", "--run", str(root)]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_what_is_printed(made: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(made.root, replace(made.found, files=0), capsys, monkeypatch)
    assert any(line.startswith("taken down after the run 2 ") for line in lines)
    assert f"all {len(made.rows)}" in lines
    assert not any("files in" in line for line in lines)
    assert "3 files in" in printed(made.root, replace(made.found, files=3), capsys, monkeypatch)
    assert faults(FORMS["fates"], json.loads(json.dumps(asdict(made.found)))) == []


def test_a_rebalanced_run_begins_with_the_downloaded_pairs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, rows = tmp_path / "run", made_run.matched_rows(images=60, seed=3)
    reasons = [*IMAGE_REASONS, "near_duplicate"]
    rejected = [
        {**row, "reason": reason, "detail": f"{reason} of something"}
        for row, reason in zip(rows, reasons, strict=False)
    ]
    lost = {"failed_to_download": 5, "equal_image": 2, **Counter(reasons)}
    # The last one was purged.
    made_run.write_run(root, rows[len(reasons) :], t=8, screened=rejected[:-1], lost=lost)
    found, fated = fates(root, tmp_path / "fates")
    assert {uid: row["reason"] for uid, row in fated.items() if row["fate"] == "screened"} == {
        row["uid"]: row["reason"] for row in rejected[:-1]
    }
    for row in rejected[:-1]:
        assert all(fated[row["uid"]][name] == row[name] for name in ("url", "text", "lang", "metadata_lang"))
        assert fated[row["uid"]]["entry_ids"] is fated[row["uid"]]["draw"] is None
    steps = {step.key: step.value for step in funnel(RunFolder(str(root)), STAGES).steps}
    assert found.lost == {"failed_to_download": 5, "equal_image": 2}
    assert found.purged == 1
    assert list(found.screened) == list(IMAGE_REASONS)
    assert {**found.screened, "near_duplicate": 2} == {reason: steps[f"lost_{reason}"] for reason in IMAGE_REASONS}
    assert found.pairs + found.purged + sum(found.lost.values()) == steps["manifest_before"]
    assert found.pairs - sum(found.screened.values()) == steps["matched"]
    assert all(found.fates[name] == steps[name] > 0 for name in ("kept", "not_drawn"))
    lines = printed(root, found, capsys, monkeypatch)
    assert any(line.startswith("with a near duplicate of another image 1 ") for line in lines)
    assert {"lost in the download: equal image 2", "purged, and so without a row 1"} <= set(lines)
