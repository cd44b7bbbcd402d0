"""metaclip-curate explain: what it says of every pair is what the tables hold, and of a new text what would happen."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate import balance
from metaclip_curate.cli import main
from metaclip_curate.commands.explain import as_text
from metaclip_curate.errors import UserError
from metaclip_curate.inspect.explain import Explainer
from metaclip_curate.inspect.explanation import Explanation
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.run.file_list import digest
from metaclip_curate.run.record import json_bytes
from tests.support import made_run, oracle, runs
from tests.support.finished_runs import contents, opened

Rows = list[dict[str, Any]]
Made = tuple[Path, dict[str, Rows]]


def explain(root: Path, **asked: Any) -> list[Explanation]:
    return Explainer(opened(root, "sample").folder, ExplainOptions(**asked)).explain()


def write_state(root: Path, state: dict[str, Any]) -> None:
    """Writes run.json, with the digest of what it says now."""
    del state["digest"]
    (root / "run.json").write_bytes(json_bytes({**state, "digest": digest(json_bytes(state))}))


def test_every_pair_of_a_run_is_explained_as_it_went(real: Path) -> None:
    matched = {row["uid"]: row for row in runs.table(real, "matched")}
    manifest = {row["uid"]: row for row in runs.table(real, "manifest")}
    distinct = {row["uid"]: row for row in runs.table(real, "distinct")}
    counts = {(row["metadata_lang"], row["entry_id"]): row for row in runs.table(real, "counts")}
    pairs: dict[str, Rows] = {}
    for row in runs.table(real, "pairs"):
        pairs.setdefault(row["uid"], []).append(row)
    before = contents(real)
    unmatched = [uid for uid in pairs if uid not in matched]
    dropped = [uid for uid in matched if uid not in manifest]
    for uid in [*unmatched[:10], *dropped[:20], *list(manifest)[:20]]:
        (found,) = explain(real, uid=uid)
        first = min(pairs[uid], key=lambda row: (row["crawl"], row["source_file"]))
        assert (found.url, found.text, found.lang) == (first["url"], first["text"], distinct[uid]["lang"])
        assert found.origins[0]["page_url"] == first["page_url"]
        assert len(found.origins) == len(pairs[uid])
        assert found.kept == (uid in manifest)
        assert found.page_lang == distinct[uid]["page_lang"]
        if uid not in matched:
            assert found.verdict.startswith("left out")
            assert found.entries == []
            continue
        language = matched[uid]["metadata_lang"]
        assert found.metadata_lang == language
        assert [entry.entry_id for entry in found.entries] == matched[uid]["entry_ids"]
        for entry in found.entries:
            row = counts[language, entry.entry_id]
            assert (entry.entry, entry.count) == (row["entry"], row["count"])
            assert found.t is not None
            assert entry.head == (entry.count >= found.t)
        if uid in manifest:
            assert found.keep_probability == manifest[uid]["keep_probability"]
            assert found.draw == manifest[uid]["draw"]
    assert unmatched
    assert dropped
    assert contents(real) == before


def test_a_new_image_of_a_known_text_would_have_its_chance(real: Path) -> None:
    for row in runs.table(real, "manifest")[::40]:
        url = f"https://elsewhere.example/{row['uid']}.jpg"
        (found,) = explain(real, text=f"  {row['text']}\n", url=url)
        assert found.kept is None
        assert found.uid == oracle.uid_of(url, row["text"])
        assert [entry.entry_id for entry in found.entries] == row["entry_ids"]
        assert found.keep_probability == row["keep_probability"]
        assert found.draw == oracle.draw(found.uid, 0)
        assert ("would be kept" in found.verdict) == (found.draw < row["keep_probability"])


@pytest.mark.slow
def test_the_first_digits_of_a_uid_are_enough_if_no_other_pair_has_them(made: Made) -> None:
    uids = sorted(row["uid"] for row in made[1]["matched"])
    for before, uid, after in zip(uids[:20], uids[1:], uids[2:], strict=False):
        digits = next(n for n in range(1, 33) if uid[:n] not in (before[:n], after[:n]))
        (found,) = explain(made[0], uid=uid[:digits].upper())
        assert found.uid == uid
        if digits > 1:
            several = [each for each in uids if each.startswith(uid[: digits - 1])]
            with pytest.raises(UserError, match=rf"the uids of {len(several)} pairs \({several[0]}, .*give more of"):
                explain(made[0], uid=uid[: digits - 1])


def test_the_language_that_a_page_declares_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = made_run.matched_rows(images=20, seed=7)
    rows[0]["page_lang"] = "pt-br"
    made_run.write_run(tmp_path / "run", rows)
    for row, shown in ((rows[0], True), (rows[-1], False)):
        assert main(["explain", "--run", str(tmp_path / "run"), "--uid", row["uid"]]) == 0
        printed = capsys.readouterr().out
        assert ("language of the page  pt-br" in printed) == ("language of the page" in printed) == shown


def test_a_pools_id_finds_all_its_pairs(tmp_path: Path) -> None:
    rows = made_run.matched_rows(images=20, seed=7)
    for row in rows[:2]:
        row["source_id"] = "17"
    made_run.write_run(tmp_path / "run", rows)
    assert [each.uid for each in explain(tmp_path / "run", source_id="17")] == sorted(row["uid"] for row in rows[:2])


def test_pairs_beyond_the_most_that_are_explained_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = made_run.matched_rows(images=20, seed=7)
    for row in rows[:3]:
        row["source_id"] = "17"
    made_run.write_run(tmp_path / "run", rows)
    words = ["explain", "--run", str(tmp_path / "run"), "--source-id", "17", "--json"]
    for most, line in ((3, ""), (2, "3 pairs fit; the first 2 by uid are explained\n")):
        monkeypatch.setattr("metaclip_curate.inspect.explain._MOST_PAIRS", most)
        assert main(words) == 0
        printed = capsys.readouterr()
        assert (len(json.loads(printed.out)), printed.err) == (most, line)


def test_an_image_and_a_text_find_all_their_pairs(real: Path) -> None:
    rows = runs.table(real, "pairs")
    row = rows[len(rows) // 2]
    uids = sorted({each["uid"] for each in rows if each["url"] == row["url"]})
    assert [each.uid for each in explain(real, url=f"{row['url']}#fragment")] == uids
    uids = sorted({each["uid"] for each in rows if each["text"] == row["text"]})
    assert [each.uid for each in explain(real, text=row["text"])] == uids[:100]


@pytest.mark.slow
def test_of_an_images_texts_one_is_selected(tmp_path: Path) -> None:
    rows = made_run.write_run(tmp_path / "one", made_run.matched_rows(20, seed=3), t=1, texts_per_image="one")
    kept = {row["uid"] for row in rows["manifest"]}
    drawn = oracle.one_text_per_image(rows["matched"], 0)
    assert 0 < len(kept) < len(drawn) < len(rows["matched"])
    for row in rows["matched"]:
        (found,) = explain(tmp_path / "one", uid=row["uid"])
        assert found.kept == (row["uid"] in kept)
        assert ("was selected" in found.verdict) == (row["uid"] not in {each["uid"] for each in drawn})


def test_a_text_of_a_language_without_metadata(real: Path) -> None:
    (found,) = explain(real, text="დიდი თეთრი სახლი ზღვის პირას")
    assert re.search(r"^  metadata list +none for this language$", as_text(found), re.MULTILINE)
    assert found.lang == "ka"
    assert found.entries == []
    assert found.verdict.startswith("not seen by this run; left out: the run has no metadata for the language ka, and ")


def test_a_language_without_a_match_is_looked_up_in_the_metadata(real: Path, tmp_path: Path) -> None:
    shutil.copytree(real, tmp_path / "run")
    state = json.loads((real / "run.json").read_text())
    balanced = state["stages"]["balance"]["summary"]
    balanced["languages"] = [row for row in balanced["languages"] if row["metadata_lang"] != "el"]
    write_state(tmp_path / "run", state)
    text = "Ένα μεγάλο λευκό σπίτι κοντά στη θάλασσα με 3 δέντρα"
    (found,) = explain(tmp_path / "run", text=text)
    assert found.t is None
    assert [entry.entry for entry in found.entries] == [entry.entry for entry in explain(real, text=text)[0].entries]
    assert {(entry.count, entry.probability) for entry in found.entries} == {(0, 1.0)}
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "el.json").write_text('["Ένα"]')
    with pytest.raises(UserError, match=r"isn't what .* was matched with: its digest is"):
        explain(tmp_path / "run", text=text, metadata=str(tmp_path / "metadata"))
    with pytest.raises(UserError, match="nowhere does not exist"):
        explain(tmp_path / "run", text=text, metadata=str(tmp_path / "nowhere"))


def test_what_has_changed_since_the_run_is_named(real: Path, tmp_path: Path) -> None:
    table = tmp_path / "languages.csv"
    table.write_text("code,name,script,without_spaces,wordnet,lid176_labels,merged_into\nen,English,Latn,,,en,\n")
    with pytest.raises(UserError, match=r"made with another language table.*--language-table"):
        explain(real, text="a text that nobody has seen", language_table=str(table))


def test_tables_that_contradict_each_other_are_an_error(made: Made, tmp_path: Path) -> None:
    """As where run.json of another run, with another seed, stands in the place of its own."""
    shutil.copytree(made[0], tmp_path / "run")
    state = json.loads((tmp_path / "run" / "run.json").read_text())
    state["stages"]["sample"]["options"]["seed"] += 1
    write_state(tmp_path / "run", state)
    seed = state["stages"]["sample"]["options"]["seed"]
    rows = made[1]["manifest"]
    draws = balance.draws([row["uid"] for row in rows], seed)
    kept = next(row for row, draw in zip(rows, draws, strict=True) if draw >= row["keep_probability"])
    with pytest.raises(UserError, match="one of the tables was changed"):
        explain(tmp_path / "run", uid=kept["uid"])


def test_pairs_of_a_rebalanced_run(tmp_path: Path) -> None:
    rows = made_run.matched_rows(images=20, seed=7)
    rejected = {**rows[0], "reason": "size", "detail": "90 x 30 pixels"}
    made_run.write_run(tmp_path / "run", rows[1:], screened=[rejected], lost={"missing": 3, "size": 1})
    for asked in ({"uid": rejected["uid"]}, {"uid": rejected["uid"][:12]}, {"text": rejected["text"]}):
        (found,) = explain(tmp_path / "run", **asked)
        assert (found.uid, found.url, found.kept, found.reason) == (rejected["uid"], rejected["url"], False, "size")
        assert found.verdict.endswith("(screen size: 90 x 30 pixels)")
    for asked in ({"uid": "0" * 32}, {"url": "https://nowhere.example/a.jpg"}):
        with pytest.raises(UserError, match="it has only the downloaded pairs of the run before, so look for it there"):
            explain(tmp_path / "run", **asked)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["--uid", "0" * 32], "has no pair with the uid"),
        (["--uid", "0000000"], "has no pair with a uid that begins with 0000000"),
        (["--uid", "logo"], "--uid logo isn't a uid or the beginning of one: a uid has 32 hex digits"),
        (["--uid", "0" * 33], "isn't a uid"),
        (["--url", "https://nowhere.example/a.jpg"], "has no pair with the image https://nowhere.example/a.jpg"),
        (["--url", "mailto:somebody"], "is no http or https URL"),
        (["--text", " \n "], "--text is empty"),
        (["--source-id", "17"], "has no pair with the source_id 17: look for it by --url or --text"),
        ([], "give --uid, --url, --text, --source-id"),
        (["--source-id", "17", "--text", "both"], "give --uid, --url, --text"),
        (["--uid", "0" * 32, "--text", "both"], "give --uid, --url, --text"),
    ],
)
def test_mistakes(made: Made, asked: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--run", str(made[0]), *asked]) == 2
    assert message in capsys.readouterr().err


def test_what_is_printed(real: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = runs.table(real, "manifest")[0]
    assert main(["explain", "--run", str(real), "--uid", row["uid"].upper()]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Kept: the draw ")
    assert row["url"] in printed
    assert main(["explain", "--run", str(real), "--uid", row["uid"], "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["keep_probability"] == row["keep_probability"]
