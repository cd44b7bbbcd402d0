"""metaclip-curate fates: a row for each distinct pair, sums as in the funnel, and the same as explain says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

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
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import funnel
from metaclip_curate.run.stages import STAGES
from metaclip_curate.schemas import FATES
from metaclip_curate.screens.removed import Removal
from tests.support import made_run, oracle, runs
from tests.support.finished_runs import contents, opened

Rows = list[dict[str, Any]]
pytestmark = pytest.mark.usefixtures("spark")


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


def test_pairs_that_did_not_match(tmp_path: Path) -> None:
    root, rows = tmp_path / "run", made_run.matched_rows(images=60, seed=3)
    for row, lang in zip(rows[:9], ["ka", "en", "xx"] * 3, strict=True):
        row["lang"] = lang
    reasons = {rows[3]["uid"]: "words", rows[4]["uid"]: "host"}
    screened = [{"uid": uid, "metadata_lang": "", "reason": reason} for uid, reason in reasons.items()]
    made_run.write_run(root, rows[9:], t=8, others=rows[:9], screened=screened)
    found, fated = fates(root, tmp_path / "fates")
    assert found.pairs == len(rows)
    assert found.screened == {"words": 1, "host": 1}
    for row in rows[:9]:
        expected = "screened" if row["uid"] in reasons else "unmatched" if row["lang"] == "en" else "no_metadata"
        assert (fated[row["uid"]]["fate"], fated[row["uid"]]["reason"]) == (expected, reasons.get(row["uid"], ""))


def test_one_text_an_image_and_what_was_taken_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, matched = tmp_path / "run", made_run.matched_rows(images=120, seed=3)
    tables = made_run.write_run(root, matched, t=8, texts_per_image="one")
    gone = {tables["manifest"][0]["uid"], tables["manifest"][1]["uid"]}
    Remover(RunFolder(str(root)), lambda line: None).remove([Removal("uid", uid) for uid in gone], "asked for", False)
    drawing = {row["uid"] for row in oracle.one_text_per_image(matched, 0)}
    kept = [row for row in tables["manifest"] if row["uid"] not in gone]
    by_table = {"screened": {}, "matched": by_uid(matched), "manifest": by_uid(kept)}
    _, rows = fates(root, tmp_path / "fates")
    explainer = Explainer(opened(root, "sample").folder, ExplainOptions(uid="0"))
    assert [field.name for field in pq.read_schema(next((tmp_path / "fates").iterdir()))] == FATES.names
    for row in matched:
        expected = oracle.fate(row, by_table, row["metadata_lang"], row["uid"] in gone, drawing)
        assert (rows[row["uid"]]["fate"], rows[row["uid"]]["reason"]) == expected
    assert {row["fate"] for row in rows.values()} == {"kept", "not_drawn", "other_text", "removed"}
    says = {"kept": "kept", "not_drawn": "dropped", "other_text": "left out: of the image", "removed": "removed"}
    for uid in [next(uid for uid, row in rows.items() if row["fate"] == fate) for fate in says]:
        (explained,) = explainer._of_uids([uid])
        assert explained.verdict.startswith(says[rows[uid]["fate"]])
    assert main(["fates", "--run", str(root)]) == 0
    printed = capsys.readouterr().out
    assert "taken down after the run" in printed
    assert "files in" not in printed
