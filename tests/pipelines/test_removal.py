"""Taking pairs down: gone at once, counted exactly, finished after an interruption, and explained."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from metaclip_curate import storage
from metaclip_curate.cli import main
from metaclip_curate.errors import UserError
from metaclip_curate.inspect.browse import browse
from metaclip_curate.inspect.explain import Explainer
from metaclip_curate.inspect.explore.index import PairIndex
from metaclip_curate.inspect.explore.search import Query, Search
from metaclip_curate.options.browse import BrowseOptions
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.options.explore import ExploreOptions
from metaclip_curate.options.export import ExportOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.export import export
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.pipelines.removal import Remover, take_removals
from metaclip_curate.run.fates import Fate
from metaclip_curate.run.file_list import FileList
from metaclip_curate.run.finished import finished_stages, open_finished
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.removed_table import read_removed
from metaclip_curate.run.stages import STAGES
from metaclip_curate.run.summaries import LanguageTotals, SampleSummary
from metaclip_curate.run.tables import open_table
from metaclip_curate.schemas import MANIFEST
from metaclip_curate.screens.removed import Removal
from metaclip_curate.stages.report.facts import Gatherer
from metaclip_curate.stages.shared.passes import ArrowPasses
from metaclip_curate.storage import StorageOptions
from tests.support import made_run, runs

Rows = list[dict[str, Any]]
STORAGE = StorageOptions()


def totals(tables: dict[str, Rows], manifest: Rows) -> tuple[LanguageTotals, ...]:
    """What the last stage would count of a manifest."""
    found = []
    for row in tables["thresholds"]:
        language, t = row["metadata_lang"], row["t"]
        counts = {each["entry_id"]: each["count"] for each in tables["counts"] if each["metadata_lang"] == language}
        both = [[each for each in rows if each["metadata_lang"] == language] for rows in (tables["matched"], manifest)]
        matches = [Counter(counts[entry] >= t for each in rows for entry in each["entry_ids"]) for rows in both]
        found.append(
            LanguageTotals(
                *(language, t, row["tail_share"], row["expected_pairs"]),
                *(number for rows in both for number in (len(rows), len({each["image_id"] for each in rows}))),
                *(number for each in matches for number in (each[True], each[False])),
            )
        )
    return tuple(found)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, dict[str, Rows]]:
    """A finished run whose manifest has three files and whose images have several texts."""
    root = tmp_path / "run"
    matched = made_run.matched_rows(400, seed=3)
    for number, row in enumerate(matched):
        row["image_id"] = f"{number // 3:024x}"
        row["url"] = f"https://img{number % 7}.site{number % 11}.example/{number // 3}.jpg"
    tables = made_run.write_run(root, matched, t=8)
    folder = RunFolder(str(root))
    manifest, files = tables["manifest"], []
    (root / "manifest" / "part-00000.parquet").unlink()
    for number in range(3):
        path = root / "manifest" / f"part-{number:05d}.parquet"
        files.append(made_run.write_table(path, manifest[number::3], MANIFEST))
    folder.finish("sample", SampleSummary(3, len(manifest), totals(tables, manifest)), FileList({"manifest": files}))
    card = {"format": 1, "languages": [], "pairs_out": len(manifest), "images_out": 0}
    (root / "datacard.json").write_text(json.dumps(card))
    (root / "report.html").write_text("a text that was removed")
    (root / "figures").mkdir()
    (root / "figures" / "top-hosts.csv").write_text("a host that was removed")
    (root / "figures" / "mine.csv").write_text("of the user's")
    return root, tables


def remove(root: Path, *removals: Removal, purge: bool = False) -> Any:
    return Remover(RunFolder(str(root)), lambda line: None).remove(removals, "asked for", purge)


def left_of(manifest: Rows, uid: str, host: str) -> Rows:
    return [row for row in manifest if row["uid"] != uid and not row["url"].split("/")[2].endswith(f".{host}")]


def test_what_is_removed_leaves_the_manifest_and_nothing_else_changes(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    before = tables["manifest"]
    uid, host = before[4]["uid"], "site5.example"
    untouched = {path.name: path.read_bytes() for path in (root / "matched").rglob("*.parquet")}
    result = remove(root, Removal("uid", uid), Removal("host", host))
    expected = left_of(before, uid, host)
    assert 0 < result.pairs == len(before) - len(expected)
    assert runs.table(root, "manifest") == expected  # with the keep probabilities and draws that they had
    assert {path.name: path.read_bytes() for path in (root / "matched").rglob("*.parquet")} == untouched
    folder = open_finished(str(root), "sample", STORAGE)
    assert finished_stages(folder) == STAGES
    summary = folder.summary(SampleSummary)
    assert (summary.files, summary.pairs, summary.removed) == (3, len(expected), result.pairs)
    assert summary.languages == totals(tables, expected)
    card = json.loads((root / "datacard.json").read_text())
    assert card["removed"] == {"values": 2, "pairs": result.pairs}
    assert card["pairs_out"] == len(expected)
    assert card["images_out"] == sum(
        len({row["image_id"] for row in expected if row["metadata_lang"] == language})
        for language in {row["metadata_lang"] for row in expected}
    )
    assert not (root / "report.html").exists()
    assert [path.name for path in (root / "figures").iterdir()] == ["mine.csv"]
    rows = read_removed(folder).to_pylist()
    assert [(row["kind"], row["value"], row["reason"]) for row in rows] == [
        ("uid", uid, "asked for"),
        ("host", host, "asked for"),
    ]
    assert folder.table_files("sample", "manifest")


def test_only_files_with_a_hit_are_written_again(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    before = {path.name: path.stat().st_mtime_ns for path in (root / "manifest").iterdir()}
    assert remove(root, Removal("uid", tables["manifest"][1]["uid"])).files == 1
    after = {path.name: path.stat().st_mtime_ns for path in (root / "manifest").iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"part-00001.parquet"}


def test_what_was_removed_before_is_not_recorded_again(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    removal = Removal("image_id", tables["manifest"][0]["image_id"])
    first, second = remove(root, removal), remove(root, removal, Removal("host", "site1.example"))
    assert (first.added, second.added) == (1, 1)
    folder = RunFolder(str(root))
    assert len(read_removed(folder)) == 2 and len(folder.removed_files) == 2
    card = json.loads((root / "datacard.json").read_text())
    assert card["removed"]["pairs"] == first.pairs + second.pairs


@pytest.mark.slow
@pytest.mark.parametrize("writes", range(1, 9))
def test_a_removal_that_dies_is_finished_by_the_next(
    made: tuple[Path, dict[str, Rows]], monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Whatever was the last thing that it wrote."""
    root, tables = made
    uid, host = tables["manifest"][4]["uid"], "site5.example"
    done = 0

    def dies(original: Any) -> Any:
        def write(*given: Any, **named: Any) -> Any:
            nonlocal done
            done += 1
            if done > writes:
                raise RuntimeError("the power is gone")
            return original(*given, **named)

        return write

    with monkeypatch.context() as patch:
        for name in ("write_bytes", "upload_file"):
            patch.setattr(storage, name, dies(getattr(storage, name)))
        patch.setattr("metaclip_curate.storage.objects.upload_file", storage.upload_file)
        try:
            remove(root, Removal("uid", uid), Removal("host", host))
        except RuntimeError as error:
            assert "power" in str(error)
    folder = RunFolder(str(root))
    if folder.removing:
        with pytest.raises(UserError, match=r"`metaclip-curate remove --run .*` finishes it"):
            folder.table_files("sample", "manifest")
    remove(root, Removal("uid", uid), Removal("host", host))
    expected = left_of(tables["manifest"], uid, host)
    assert runs.table(root, "manifest") == expected
    folder = open_finished(str(root), "sample", STORAGE)
    assert folder.summary(SampleSummary).languages == totals(tables, expected)
    assert len(read_removed(folder)) == 2
    assert folder.table_files("sample", "manifest")
    assert json.loads((root / "datacard.json").read_text())["removed"]["pairs"] == len(tables["manifest"]) - len(
        expected
    )


def test_purging_takes_the_rows_out_of_the_other_tables(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    uid, host = tables["matched"][4]["uid"], "site5.example"
    groups = [pq.read_metadata(path).num_row_groups for path in sorted((root / "matched").rglob("*.parquet"))]
    result = remove(root, Removal("uid", uid), Removal("host", host), purge=True)
    expected = left_of(tables["matched"], uid, host)
    assert result.purged == {"matched": len(tables["matched"]) - len(expected)}  # the only such table of this run
    key = lambda row: row["uid"]  # noqa: E731
    assert sorted(runs.table(root, "matched"), key=key) == sorted(expected, key=key)
    assert [pq.read_metadata(path).num_row_groups for path in sorted((root / "matched").rglob("*.parquet"))] == groups
    folder = open_finished(str(root), "sample", STORAGE)
    assert sum(file.rows or 0 for file in folder.table_files("match", "matched")) == len(expected)


@pytest.mark.parametrize("name", ["matched/00007/part-00000.parquet", "matched/x.parquet", "manifest/old/x.parquet"])
def test_rows_in_a_file_that_run_json_does_not_name_would_stay(made: tuple[Path, dict[str, Rows]], name: str) -> None:
    root, tables = made
    (root / name).parent.mkdir(exist_ok=True)
    shutil.copy(next((root / "matched").rglob("*.parquet")), root / name)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=f"{name} was not written by this run: move it out of the folder"):
        remove(root, Removal("uid", tables["matched"][4]["uid"]), purge=True)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_a_removed_pair_is_explained(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    uid = tables["manifest"][4]["uid"]
    remove(root, Removal("uid", uid))
    (found,) = Explainer(open_finished(str(root), "sample", STORAGE), ExplainOptions(uid=uid)).explain()
    assert found.kept is False and found.reason == "removed"
    assert found.verdict.startswith(f"removed: the uid {uid} was taken down on 20")
    assert found.verdict.endswith("(asked for)")


def test_explore_names_a_removal_as_explain_does(made: tuple[Path, dict[str, Rows]]) -> None:
    pytest.importorskip("duckdb")
    root, tables = made
    kept = tables["manifest"][4]
    other = next(row for row in tables["manifest"] if row["url"].split("/")[2] != kept["url"].split("/")[2])
    remove(root, Removal("uid", kept["uid"]), Removal("host", other["url"].split("/")[2]))
    folder = open_finished(str(root), "sample", STORAGE)
    with PairIndex(folder, ExploreOptions()) as index:
        search = Search(index, False)
        for uid in (kept["uid"], other["uid"]):
            (found,) = search.find(Query(uid=uid)).pairs
            (explained,) = Explainer(folder, ExplainOptions(uid=uid)).explain()
            assert (found.fate, found.verdict, found.is_veiled) == (Fate.REMOVED, explained.verdict, True)


def test_a_rebalanced_run_takes_along_what_was_removed(made: tuple[Path, dict[str, Rows]], tmp_path: Path) -> None:
    root, _ = made
    remove(root, Removal("host", "site5.example"), Removal("host", "site6.example"))
    new = RunFolder(str(tmp_path / "new"))
    new.begin("extract", {}, "")
    remove(tmp_path / "new", Removal("host", "site6.example"))
    new = RunFolder(str(tmp_path / "new"))
    for _ in range(2):  # the second time changes nothing
        take_removals(RunFolder(str(root)), new)
        rows = read_removed(RunFolder(str(tmp_path / "new"))).to_pylist()
        assert [row["value"] for row in rows] == ["site6.example", "site5.example"]
        assert rows[1] == read_removed(RunFolder(str(root))).to_pylist()[0]


def test_what_keeps_the_old_numbers_is_named(made: tuple[Path, dict[str, Rows]]) -> None:
    root, _ = made
    (root / "README.md").write_text("2,145 pairs")
    log: list[str] = []
    Remover(RunFolder(str(root)), log.append).remove([Removal("host", "site5.example")], "asked for", purge=False)
    assert any("README.md has the numbers from before: `metaclip-curate datacard" in line for line in log)


def test_a_report_stays_only_where_nothing_new_is_removed(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    kept = {row["uid"] for row in tables["manifest"]}
    not_drawn = next(row["uid"] for row in tables["matched"] if row["uid"] not in kept)
    for is_there in (False, True):
        (root / "report.html").write_text("the text of a pair that was dropped")
        assert remove(root, Removal("uid", not_drawn)).pairs == 0
        assert (root / "report.html").exists() == is_there


def test_what_was_removed_is_not_shown_again(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    (root / "datacard.json").unlink()
    host = "site5.example"
    gone = {row["uid"] for row in tables["matched"] if row["url"].split("/")[2].endswith(f".{host}")}
    texts = {row["text"] for row in tables["matched"] if row["uid"] in gone}
    texts -= {row["text"] for row in tables["matched"] if row["uid"] not in gone}

    def shown() -> tuple[set[str], set[str]]:
        """Uids and texts in the report and in `browse`."""
        folder = RunFolder(str(root))
        curation = Gatherer(folder, STAGES, ArrowPasses(partial(open_table, folder))).facts().curation
        assert curation
        dropped = browse(folder, BrowseOptions(number=400, dropped=True))
        uids = {row["uid"] for row in dropped} | {pair.uid for pair in curation.matched}
        return uids & gone, texts.intersection(text for each in curation.texts for text in (*each.kept, *each.dropped))

    assert all(shown())
    remove(root, Removal("host", host))
    assert shown() == (set(), set())


@pytest.mark.slow
def test_what_was_removed_is_not_exported(
    made: tuple[Path, dict[str, Rows]], tmp_path: Path, spark: SparkSession
) -> None:
    root, tables = made
    removed = tables["matched"][7]["image_id"]
    remove(root, Removal("image_id", removed))
    run = FinishedRun(str(root), "balance", STORAGE, RunOptions())
    export(run, ExportOptions(output=str(tmp_path / "exported"), images_per_shard=1_000))
    [shard] = (tmp_path / "exported" / "pkg_json").rglob("*.json")
    assert set(json.loads(shard.read_text())) == {row["image_id"] for row in tables["matched"]} - {removed}


def test_the_table_that_was_changed_is_an_error(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    remove(root, Removal("uid", tables["manifest"][4]["uid"]))
    (root / "removed" / "part-00000.parquet").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"part-00000.parquet was changed after it was written: put the old file back"):
        read_removed(RunFolder(str(root)))


def test_the_command(made: tuple[Path, dict[str, Rows]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, tables = made
    urls = tmp_path / "urls.txt"
    row = tables["manifest"][0]
    urls.write_text(f"# of a photographer\n{row['url'].replace('https', 'HTTPS')}#top\n")
    words = ["remove", "--run", str(root), "--url", str(urls)]
    assert main(words) == 2
    assert "--reason is missing" in capsys.readouterr().err
    assert main([*words, "--reason", "by request", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["added"] == 1
    assert row["url"] not in {each["url"] for each in runs.table(root, "manifest")}
    assert main(["remove", "--run", str(root)]) == 2
    assert "nothing to remove: name a file" in capsys.readouterr().err
    assert main(["remove", "--run", str(root), "--purge"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "uids, URLs, hosts and image ids that are removed 1 pairs that left the manifest 0" in printed


def test_a_public_suffix_is_removed_alone_and_that_is_said(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    lines: list[str] = []
    removals = [Removal("host", "github.io"), Removal("host", "a.github.io")]
    Remover(RunFolder(str(root)), lines.append).remove(removals, "asked for", purge=False)
    assert [line for line in lines if "public suffix" in line] == [
        "remove: github.io is a public suffix, below which others have their hosts: it alone is removed, and nothing "
        "below it"
    ]
    assert runs.table(root, "manifest") == tables["manifest"]


def test_a_file_with_the_name_of_the_table(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    (root / "removed").write_text("mine")
    with pytest.raises(UserError, match=f"{root / 'removed'} is a file, where the run has a folder: move it elsewhere"):
        remove(root, Removal("uid", tables["manifest"][4]["uid"]))
    assert (root / "removed").read_text() == "mine"


def test_a_file_with_the_name_of_one_of_the_table(made: tuple[Path, dict[str, Rows]]) -> None:
    root, tables = made
    mine = root / "removed" / "part-00000.parquet"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(UserError, match=rf"{mine} isn't named by run\.json"):
        remove(root, Removal("uid", tables["manifest"][4]["uid"]))
    assert mine.read_text() == "mine"
    mine.unlink()
    remove(root, Removal("uid", tables["manifest"][4]["uid"]))
    assert json.loads((root / "run.json").read_text())["unfinished"] == []


def test_a_run_without_a_manifest_remembers_what_is_removed(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    folder.begin("extract", {}, "")
    assert remove(tmp_path / "run", Removal("host", "a.org")).added == 1
    assert pa.concat_tables([read_removed(RunFolder(str(tmp_path / "run")))]).num_rows == 1
