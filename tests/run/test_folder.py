"""What a run folder remembers of its tables, and what of the user's it leaves alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.run.file_list import FileList, digest
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import ExtractPart, json_bytes
from metaclip_curate.run.stages import STAGES
from metaclip_curate.run.summaries import ExtractSummary, MatchSummary
from metaclip_curate.run.tables import read_columns, write_part
from tests.support import made_run

ROWS = pa.table({"path": ["a.wat"], "pairs": [1]})


def extracted(root: Path, parts: tuple[str, ...] = ("00000", "00001")) -> RunFolder:
    folder = RunFolder(str(root))
    folder.begin("extract", {}, "")
    for part in parts:
        files = {table: write_part(folder, table, part, ROWS) for table in ("pairs", "inputs")}
        folder.commit_part("extract", part, ExtractPart(files=1), FileList(files))
    return folder


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "name", ["inputs/a.warc.wat.gz", "pairs/mine.csv", "figures/fig1.png", "_work/x", "report.html"]
)
def test_a_folder_with_files_of_the_users_under_a_runs_names_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(UserError, match="no run made it"):
        RunFolder(str(tmp_path)).begin("extract", {}, "")
    assert everything(tmp_path) == {name: b"mine"}


def test_a_folder_with_other_files_of_the_users_is_taken(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"mine")
    folder = extracted(tmp_path)
    folder.finish("extract", ExtractSummary(files=1))
    folder.discard("extract")
    assert sorted(everything(tmp_path)) == ["notes.txt", "run.json"]


@pytest.mark.parametrize("name", ["pairs/00001/mine.csv", "matched/mine.csv", "manifest/part-00000 (1).parquet"])
def test_nothing_is_removed_where_something_of_the_users_would_go_too(tmp_path: Path, name: str) -> None:
    folder = extracted(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    before = everything(tmp_path)
    with pytest.raises(UserError, match=r"isn't named by run\.json"):
        folder.discard("extract")
    assert everything(tmp_path) == before
    again = RunFolder(str(tmp_path))
    again.forget("extract")
    with pytest.raises(UserError, match=r"isn't named by run\.json"):
        again.begin("extract", {"other": 1}, "")
    assert everything(tmp_path) == before


def test_what_a_run_that_died_left_is_removed_and_what_is_the_users_beside_it_is_not(tmp_path: Path) -> None:
    folder = extracted(tmp_path)
    folder.begin_parts("extract", ["00002"])
    for table in ("pairs", "inputs"):
        write_part(folder, table, "00002", ROWS)
    (tmp_path / "_files" / "extract" / "00002.json").write_bytes(b"{}")
    whole = everything(tmp_path)
    # A copy of a part under a name that a part could have.
    for name in ("pairs/00003", "pairs/backup", "inputs/00000-00000"):
        shutil.copytree(tmp_path / "pairs" / "00001", tmp_path / name)
        before = everything(tmp_path)
        with pytest.raises(UserError, match=rf"{name} isn't named by run\.json .*: move it elsewhere"):
            RunFolder(str(tmp_path)).begin("extract", {}, "")
        assert everything(tmp_path) == before
        shutil.rmtree(tmp_path / name)
    RunFolder(str(tmp_path)).begin("extract", {}, "")
    left = {name for name in whole if "00002" not in name}
    assert everything(tmp_path).keys() == left


@pytest.mark.parametrize("name", ["distinct/00001-00000", "matched/00007", "counts", "manifest", "_files/count"])
def test_a_copy_in_the_folder_of_a_later_table_is_not_removed_with_it(tmp_path: Path, name: str) -> None:
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=10, seed=1))
    copy = tmp_path / "run" / name / "part-00077.parquet"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(b"mine")
    before = everything(tmp_path)
    folder = RunFolder(str(tmp_path / "run"))
    folder.forget("dedup")
    with pytest.raises(UserError, match=rf"{name}.* isn't named by run\.json"):
        folder.begin("dedup", {}, folder.fingerprint("extract"))
    assert everything(tmp_path) == before
    copy.unlink()
    if not any(copy.parent.iterdir()):
        copy.parent.rmdir()
    folder.begin("dedup", {}, folder.fingerprint("extract"))
    assert everything(tmp_path).keys() == {"run/run.json"}


@pytest.mark.parametrize("name", ["pairs/00002/part-00000.parquet", "inputs/00002/notes.txt"])
def test_a_part_is_not_begun_where_a_file_of_the_users_lies(tmp_path: Path, name: str) -> None:
    folder = extracted(tmp_path, ("00000",))
    files = {table: write_part(folder, table, "00001", ROWS) for table in ("pairs", "inputs")}
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(UserError, match=r"00002 isn't named by run\.json"):
        folder.begin_parts("extract", ["00002"])
    with pytest.raises(UserError, match=r"00002 isn't named by run\.json"):
        folder.commit_part("extract", "00001", ExtractPart(files=1), FileList(files), ["00002"])
    assert (tmp_path / name).read_bytes() == b"mine"
    assert list(RunFolder(str(tmp_path)).parts("extract")) == ["00000", "00001"]


def test_files_of_the_users_among_temporary_ones_stop_a_stage(tmp_path: Path) -> None:
    made_run.write_run(tmp_path, made_run.matched_rows(images=10, seed=1))
    mine = tmp_path / "_work" / "m.txt"
    mine.parent.mkdir()  # an empty folder stops nothing
    folder = RunFolder(str(tmp_path))
    folder.begin("match", folder.options_of("match"), folder.fingerprint("dedup"))
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"left by a run that died")
    again = RunFolder(str(tmp_path))
    again.begin("match", folder.options_of("match"), folder.fingerprint("dedup"))
    assert not mine.exists()
    again.finish("match", MatchSummary(languages=(), no_metadata=0, metadata=""))
    assert json.loads((tmp_path / "run.json").read_bytes())["unfinished"] == []
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    before = everything(tmp_path)
    for stage in ("match", "count"):
        again = RunFolder(str(tmp_path))
        again.forget(stage)
        with pytest.raises(UserError, match=r"_work isn't named by run\.json .*: move it elsewhere"):
            again.begin(stage, {}, again.fingerprint(STAGES[STAGES.index(stage) - 1]))
        assert everything(tmp_path) == before


def test_temporary_files_of_a_report(tmp_path: Path) -> None:
    root, killed = tmp_path / "run", tmp_path / "killed"
    folder = extracted(root)
    whole = everything(root)
    (root / "_report").mkdir()
    with pytest.raises(RuntimeError, match="died"), folder.temporary("_report") as work:
        assert work == str(root / "_report")
        assert json.loads((root / "run.json").read_bytes())["unfinished"] == ["_report", "_work"]
        write_part(folder, "_report", "a", ROWS)
        shutil.copytree(root, killed, ignore=shutil.ignore_patterns("run.owner-*"))
        raise RuntimeError("it died")
    assert everything(root) == whole
    # What a killed one left is replaced, and what run.json doesn't name isn't.
    with RunFolder(str(killed)).temporary("_report") as work:
        assert not Path(work).exists()
    mine = root / "_report" / "m.txt"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    with pytest.raises(UserError, match=r"_report isn't named by run\.json"), folder.temporary("_report"):
        pytest.fail("began")
    assert mine.read_bytes() == b"mine"


def test_a_table_whose_removal_was_interrupted_is_removed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_run.write_run(tmp_path, made_run.matched_rows(images=10, seed=1))
    folder = RunFolder(str(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr("metaclip_curate.storage.delete_folder", lambda *given: pytest.fail("died"))
        with pytest.raises(pytest.fail.Exception):
            folder.discard("match")
    assert (tmp_path / "counts").exists()
    again = RunFolder(str(tmp_path))
    assert not again.parts("match")
    again.begin("match", {}, again.fingerprint("dedup"))
    again.finish("match", MatchSummary(languages=(), no_metadata=0, metadata=""))
    again.begin("count", {}, again.fingerprint("match"))
    assert everything(tmp_path).keys() == {"run.json"}


def test_parts_that_are_replaced_go_with_all_that_was_begun(tmp_path: Path) -> None:
    folder = extracted(tmp_path)
    folder.begin_parts("extract", ["00002", "00003", "00004"])
    for part in ("00002", "00003"):
        files = {table: write_part(folder, table, part, ROWS) for table in ("pairs", "inputs")}
    folder.replace_parts("extract", ["00001"], {"00003": (ExtractPart(files=1), FileList(files))})
    folder.finish("extract", ExtractSummary(files=1))
    parts = {"00000", "00003"}
    assert RunFolder(str(tmp_path)).parts("extract").keys() == parts
    for table in ("pairs", "inputs"):
        assert {path.name for path in (tmp_path / table).iterdir()} == parts
    assert {path.stem for path in (tmp_path / "_files" / "extract").iterdir()} == parts
    assert json.loads((tmp_path / "run.json").read_bytes())["unfinished"] == []


def test_run_json_of_a_version_that_named_no_unfinished_parts(tmp_path: Path) -> None:
    folder = extracted(tmp_path)
    state = json.loads((tmp_path / "run.json").read_bytes())
    del state["unfinished"], state["digest"]
    (tmp_path / "run.json").write_bytes(json_bytes({**state, "digest": digest(json_bytes(state))}))
    write_part(folder, "pairs", "00002", ROWS)
    with pytest.raises(UserError, match=r"pairs/00002 isn't named by run\.json .* or delete it if it isn't needed"):
        RunFolder(str(tmp_path)).begin("extract", {}, "")
    shutil.rmtree(tmp_path / "pairs" / "00002")
    RunFolder(str(tmp_path)).begin("extract", {}, "")


def test_forgetting_removes_nothing_before_a_stage_begins(tmp_path: Path) -> None:
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=10, seed=1))
    before = everything(tmp_path)
    folder = RunFolder(str(tmp_path / "run"))
    folder.forget("count")
    assert everything(tmp_path) == before
    with pytest.raises(UserError, match="no finished stage count"):
        folder.require("count")
    folder.begin("count", {}, folder.fingerprint("match"))
    assert list(json.loads((tmp_path / "run" / "run.json").read_text())["stages"]) == [
        "extract",
        "dedup",
        "match",
        "count",
    ]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["_files", "matched", "run.json"]
    assert sorted(path.name for path in (tmp_path / "run" / "_files").iterdir()) == ["match"]


def test_a_table_is_the_files_that_were_written(tmp_path: Path) -> None:
    folder = extracted(tmp_path)
    folder.finish("extract", ExtractSummary(files=1))
    # Not finished, and so no part of the table.
    reader = RunFolder(str(tmp_path))
    folder.begin_parts("extract", ["00002"])
    made_run.write_table(tmp_path / "pairs" / "00002" / "part-00000.parquet", [], pa.schema([]))
    assert reader.table_files("extract", "pairs") == RunFolder(str(tmp_path)).table_files("extract", "pairs")
    files = reader.table_files("extract", "pairs")
    assert files == [(str(tmp_path / "pairs" / part / "part-00000.parquet"), 1) for part in ("00000", "00001")]
    assert read_columns(folder, "extract", "inputs", ["pairs"]).to_pylist() == [{"pairs": 1}, {"pairs": 1}]


@pytest.mark.parametrize(
    "name",
    [
        "matched/00007/part-00000.parquet",
        "matched/x.parquet",
        "matched/00000-00000/old/x.parquet",
        "manifest/old/x.parquet",
    ],
)
def test_a_parquet_file_that_run_json_does_not_name_stops_readers_and_writers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made_run.write_run(tmp_path, made_run.matched_rows(images=30, seed=1))
    folder = RunFolder(str(tmp_path))
    table = name.split("/")[0]
    stage, following = {"matched": ("match", "count"), "manifest": ("sample", "sample")}[table]
    listings: list[str] = []
    sizes = storage.file_sizes

    def listed(url: str, *given: Any, **named: Any) -> dict[str, int]:
        listings.append(url)
        return sizes(url, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "file_sizes", listed)
        assert folder.table_files(stage, table)
    assert listings == [str(tmp_path / table)]  # and not one for each part
    made_run.write_table(tmp_path / name, [], pa.schema([]))
    before = everything(tmp_path)
    with pytest.raises(UserError, match=f"{tmp_path / name} was not written by this run: move it out of the folder"):
        folder.table_files(stage, table)
    folder.forget(following)
    with pytest.raises(UserError, match=rf"{name} was not written by this run|old isn't named by run\.json"):
        folder.begin(following, {}, folder.fingerprint(STAGES[STAGES.index(following) - 1]))
    assert everything(tmp_path) == before


@pytest.mark.parametrize("stage", STAGES[2:])
def test_a_table_that_was_changed_is_not_read(tmp_path: Path, stage: str) -> None:
    made_run.write_run(tmp_path, made_run.matched_rows(images=30, seed=1))
    folder = RunFolder(str(tmp_path))
    table = {"match": "matched", "count": "counts", "balance": "thresholds", "sample": "manifest"}[stage]
    path = Path(folder.table_files(stage, table)[0].url)
    whole = path.read_bytes()
    for data, message in (
        (whole + b"more", "bytes, and"),
        (whole[::-1], "was changed after"),
        (None, "missing"),
    ):
        path.unlink(missing_ok=True)
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(UserError, match=f"{path.name}.* {message}.*: put a whole copy .* --again-from {stage}"):
            folder.table_files(stage, table)
    path.write_bytes(whole)
    path.with_name("part-00000 (conflicted copy).parquet").write_bytes(whole)
    with pytest.raises(UserError, match=r"\(conflicted copy\).parquet was not written by this run"):
        folder.table_files(stage, table)


def test_nothing_is_removed_while_a_table_before_is_damaged(tmp_path: Path) -> None:
    made_run.write_run(tmp_path, made_run.matched_rows(images=30, seed=1))
    folder = RunFolder(str(tmp_path))
    matched = Path(folder.table_files("match", "matched")[0].url)
    whole = matched.read_bytes()
    counts = Path(folder.table_files("count", "counts")[0].url)
    matched.unlink()
    folder.forget("count")
    with pytest.raises(UserError, match=f"{matched.name}.* missing"):
        folder.begin("count", {}, folder.fingerprint("match"))
    assert counts.exists()
    matched.write_bytes(whole)
    folder.begin("count", {}, folder.fingerprint("match"))
    assert not counts.exists()


def test_a_list_that_was_changed_is_not_read(tmp_path: Path) -> None:
    folder = extracted(tmp_path)
    url = tmp_path / "_files" / "extract" / "00001.json"
    url.write_bytes(url.read_bytes().replace(b"1", b"2", 1))
    for message in ("was changed after the run wrote it", "is missing"):
        with pytest.raises(UserError, match=f"00001.json {message}: put a whole copy .* --again-from extract"):
            read_columns(folder, "extract", "inputs", ["path"])
        url.unlink(missing_ok=True)


def test_a_flipped_bit_of_a_small_table(tmp_path: Path) -> None:
    folder = extracted(tmp_path, ("00000",))
    path = tmp_path / "inputs" / "00000" / "part-00000.parquet"
    data = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(0)
    data[column.dictionary_page_offset + column.total_compressed_size - 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"part-00000.parquet is damaged .*: put a whole copy"):
        read_columns(folder, "extract", "inputs", ["path"])


def test_run_json_that_was_changed_is_not_read(tmp_path: Path) -> None:
    folder = extracted(tmp_path)
    folder.finish("extract", ExtractSummary(files=1, pairs=2))
    whole = (tmp_path / "run.json").read_bytes()
    for data, message in (
        (whole.replace(b'"pairs": 2', b'"pairs": 3'), "was changed after the run wrote it: put a whole copy"),
        (whole[:-20], "is damaged: put a whole copy"),
        (b"{}", "is damaged"),
        (b"[]", "is damaged"),
        (b"\xff\xfe\x00", "is damaged"),
        (whole.replace(b'"format": 2', b'"format": 9'), r"was written by a newer .*\(format 9, .* reads 2\): update"),
        (whole.replace(b'"format": 2', b'"format": 0'), "is of format 0, not 2"),
    ):
        (tmp_path / "run.json").write_bytes(data)
        with pytest.raises(UserError, match=rf"run\.json {message}"):
            RunFolder(str(tmp_path))
    (tmp_path / "run.json").unlink()
    with pytest.raises(UserError, match=r"has tables of a run, but no run.json, .*: put a copy of run.json there, or"):
        RunFolder(str(tmp_path)).require("extract")


def test_a_folder_of_other_files_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a run")
    with pytest.raises(UserError) as caught:
        RunFolder(str(tmp_path)).require("extract")
    assert str(caught.value) == f"{tmp_path} isn't a run folder, since there is no run.json in it: check the name"


def test_a_stage_that_was_begun_is_finished_by_the_command_that_began_it(tmp_path: Path) -> None:
    folder = extracted(tmp_path)
    with pytest.raises(UserError, match=r"no finished stage extract: it was begun, so give the command again that "):
        folder.require("extract")
    with pytest.raises(UserError, match=r"no finished stage dedup: run `metaclip-curate dedup --output .*` first$"):
        folder.require("dedup")


def test_the_message_about_another_option_names_the_commands_that_do_a_stage_again(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    folder.begin("balance", {"t": 5}, "")
    with pytest.raises(
        UserError,
        match=r"--t 5, and the command says 20: .*, or repeat balance and what follows: add --again-from balance to "
        "`metaclip-curate run` or `rebalance`, whichever made the folder$",
    ):
        folder.check_options("balance", {"t": 20})


def test_a_stage_that_another_run_is_at(tmp_path: Path) -> None:
    folder = extracted(tmp_path)
    with folder.owned():
        folder.require_owner()
        with pytest.raises(UserError, match=r"no finished stage extract: process .* is writing it: wait"):
            RunFolder(str(tmp_path)).require("extract")
