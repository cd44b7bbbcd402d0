"""The pipeline's tables against the oracle's, and what a run folder survives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from metaclip_curate import schemas
from metaclip_curate.cli import main
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.summaries import MatchSummary
from tests.support import runs

Rows = list[dict[str, Any]]
pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory, mini_wats: list[Path]) -> tuple[Path, dict[str, list[str]]]:
    folder = tmp_path_factory.mktemp("metadata") / "lists"
    return folder, runs.write_metadata_for(mini_wats, folder, languages=runs.FEW_LANGUAGES)


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, spark: SparkSession, mini_wats: list[Path], metadata: tuple[Path, Any]
) -> Path:
    output = tmp_path_factory.mktemp("finished") / "run"
    runs.run(output, mini_wats, metadata[0])
    return output


def assert_same(found: Rows, expected: Rows, ignored: tuple[str, ...] = ()) -> None:
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        for column, value in theirs.items():
            if column in ignored:
                continue
            if column == "expected_pairs":
                assert ours[column] == pytest.approx(value, rel=1e-12, abs=1e-12)
            else:
                assert ours[column] == value, column


def test_tables_equal_the_oracles(finished: Path, mini_wats: list[Path], metadata: tuple[Path, Any]) -> None:
    expected = runs.expected_tables(mini_wats, metadata[1])
    found = runs.tables(finished)
    assert len(found["manifest"]) > 300
    assert len(found["manifest"]) < len(found["matched"])
    for name in runs.TABLES:
        assert_same(found[name], expected[name])


@pytest.mark.parametrize("name", runs.TABLES)
def test_files_have_the_schema(finished: Path, name: str) -> None:
    expected: pa.Schema = getattr(schemas, name.upper())
    for path in (finished / name).rglob("*.parquet"):
        found = pq.read_schema(path)
        assert found.names == expected.names
        assert [str(kind) for kind in found.types] == [
            str(kind).replace("item:", "element:") for kind in expected.types
        ]


def test_every_reason_for_a_drop_occurs_in_the_input_that_ships(finished: Path) -> None:
    rows = runs.table(finished, "inputs")
    for column in (name for name in rows[0] if name.startswith("dropped_")):
        assert sum(row[column] for row in rows) > 0, column
    assert all(row["texts"] == row["duplicate_texts"] + row["pairs"] for row in rows)


@pytest.mark.parametrize(
    ("given", "languages"),
    [
        ({"tail_share": 0.3, "texts_per_image": "one", "seed": 7}, runs.FEW_LANGUAGES),
        (
            {"same_t": True, "t": 5, "entry_spacing": "kana", "dedup_passes": 3, "pairs_per_task": 200},
            runs.FEW_LANGUAGES,
        ),
        ({"lid_fallback": "page", "min_lid_score": 0.9, "pairs_per_task": 500}, runs.FEW_LANGUAGES),
        ({"t": 8, "entry_spacing": "metaclip1", "normalize": "none", "seed": 2**64 - 1, "files_per_round": 1}, ()),
    ],
)
def test_options_equal_the_oracles(
    tmp_path: Path, mini_wats: list[Path], given: dict[str, Any], languages: tuple[str, ...]
) -> None:
    output = tmp_path / "run[1]{a,b}*"  # names itself, though Spark's readers know patterns
    metadata = runs.write_metadata_for(mini_wats, tmp_path / "lists", languages=languages)
    assert languages or len(metadata) > 40
    runs.run(output, mini_wats, tmp_path / "lists", **given)
    expected = runs.expected_tables(mini_wats, metadata, **given)
    found = runs.tables(output)
    # expected_pairs is over the texts that draw, which the oracle's thresholds don't know.
    ignored = ("expected_pairs",) if given.get("texts_per_image") == "one" else ()
    for name in runs.TABLES:
        assert_same(found[name], expected[name], ignored)


def test_later_stages_take_the_recipe_and_the_options_of_match(
    tmp_path: Path, mini_wats: list[Path], metadata: tuple[Path, Any]
) -> None:
    output = tmp_path / "run"
    inputs = ["--input", *map(str, mini_wats)]
    lists, folder = ["--metadata", str(metadata[0])], ["--output", str(output)]
    assert main(["extract", *inputs, *folder]) == 0
    assert main(["dedup", *folder]) == 0
    assert main(["match", *lists, *folder, "--recipe", "metaclip2", "--entry-spacing", "symmetric"]) == 0
    for stage in (["count"], ["balance", "--t", "20"], ["sample", "--no-report"]):
        assert main([*stage, *folder]) == 0
    expected = runs.expected_tables(mini_wats, metadata[1], entry_spacing="symmetric", texts_per_image="one", t=20)
    found = runs.tables(output)
    assert_same(found["counts"], expected["counts"])
    assert_same(found["manifest"], expected["manifest"])
    assert json.loads((output / "datacard.json").read_text())["recipe"] == {
        "match": {"name": "metaclip2", "overridden": {"entry_spacing": "symmetric"}},
        "balance": {"name": "metaclip2", "overridden": {"t": 20}},
        "sample": {"name": "metaclip2", "overridden": {}},
    }


def test_a_larger_t_keeps_a_superset(
    tmp_path: Path, finished: Path, mini_wats: list[Path], metadata: tuple[Path, Any]
) -> None:
    output = tmp_path / "run"
    shutil.copytree(finished, output)
    RunFolder(str(output)).discard("balance")
    runs.run(output, mini_wats, metadata[0], t=60, same_t=True)
    smaller = tmp_path / "smaller"
    shutil.copytree(output, smaller)
    RunFolder(str(smaller)).discard("balance")
    runs.run(smaller, mini_wats, metadata[0], t=10, same_t=True)
    many = {row["uid"] for row in runs.table(output, "manifest")}
    few = {row["uid"] for row in runs.table(smaller, "manifest")}
    assert few < many


def test_a_finished_run_needs_no_spark(
    finished: Path, mini_wats: list[Path], metadata: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(options: object) -> None:
        raise AssertionError("a session was asked for")

    monkeypatch.setattr("metaclip_curate.pipelines.workspace.get_session", refuse)
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    runs.run(finished, mini_wats, metadata[0])
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"t": 21}, "--t 20, and the command says 21"),
        ({"seed": 1}, "--seed 0, and the command says 1"),
        ({"entry_spacing": "metaclip1"}, "--entry-spacing metaclip2, and"),
        ({"ignore_opt_out": True}, "--ignore-opt-out False, and"),
        ({"tail_share": 0.5}, "--tail-share nothing, and the command says 0.5"),
    ],
)
def test_other_options_are_an_error_that_names_the_option(
    finished: Path, mini_wats: list[Path], metadata: tuple[Path, Any], given: dict[str, Any], name: str
) -> None:
    with pytest.raises(UserError, match=name):
        runs.run(finished, mini_wats, metadata[0], **given)


def test_changed_metadata_is_an_error_that_names_the_list(
    tmp_path: Path, finished: Path, mini_wats: list[Path], metadata: tuple[Path, Any]
) -> None:
    changed = tmp_path / "lists"
    shutil.copytree(metadata[0], changed)
    with (changed / "en.json").open("a") as file:
        file.write(" ")
    with pytest.raises(
        UserError, match=r"other lists of metadata than the command's \(changed: en\): .* --again-from match"
    ):
        runs.run(finished, mini_wats, changed)


def test_metadata_that_changes_before_sampling_is_an_error(
    tmp_path: Path, mini_wats: list[Path], metadata: tuple[Path, Any]
) -> None:
    folder = tmp_path / "lists"
    shutil.copytree(metadata[0], folder)
    pipeline = Pipeline(runs.options(tmp_path / "run", mini_wats, folder), log=lambda line: None)
    pipeline.extract()
    pipeline.dedup()
    pipeline.match()
    pipeline.count()
    with (folder / "de.json").open("a") as file:
        file.write(" ")
    with pytest.raises(UserError, match=r"the digest of de was [0-9a-f]{64} and is now [0-9a-f]{64}"):
        pipeline.balance()


class Died(Exception):
    """Stands for the process's end."""


@pytest.mark.parametrize("stage", ["extract", "dedup", "match", "sample"])
def test_a_run_that_died_goes_on(
    tmp_path: Path,
    finished: Path,
    mini_wats: list[Path],
    metadata: tuple[Path, Any],
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
) -> None:
    """All of a stage's files are there, and the mark isn't: the stage isn't taken for finished."""
    output = tmp_path / "run"

    def die(self: RunFolder, name: str, *rest: object) -> None:
        if name == stage:
            raise Died
        real(self, name, *rest)

    method = "finish" if stage == "sample" else "commit_part"
    real = getattr(RunFolder, method)
    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, method, die)
        with pytest.raises(Died):
            runs.run(output, mini_wats, metadata[0], files_per_round=1)
    runs.run(output, mini_wats, metadata[0], files_per_round=1)
    assert runs.tables(output) == runs.tables(finished)
    assert not (output / "_work").exists()


@pytest.mark.parametrize("first", [0, 1])
def test_a_run_with_more_inputs_equals_one_over_all(
    tmp_path: Path, finished: Path, mini_wats: list[Path], metadata: tuple[Path, Any], first: int
) -> None:
    """In the order of the files the old tables stay as they are; against it, new rows take the place of old ones."""
    output = tmp_path / "run"
    runs.run(output, mini_wats[first : first + 1], metadata[0])
    before = {
        path: path.stat().st_mtime_ns
        for name in ("pairs", "distinct", "matched")
        for path in (output / name).rglob("*.parquet")
    }
    runs.run(output, mini_wats, metadata[0], dedup_passes=2)
    assert runs.tables(output) == runs.tables(finished)
    assert RunFolder(str(output)).summary(MatchSummary) == RunFolder(str(finished)).summary(MatchSummary)
    untouched = [path for path, time in before.items() if path.exists() and path.stat().st_mtime_ns == time]
    if first == 0:
        assert len(untouched) == len(before)
    else:
        assert all(path in untouched for path in before if "pairs" in path.parts)


def test_an_input_that_is_no_wat_is_failed_and_the_run_goes_on(
    tmp_path: Path, mini_wats: list[Path], metadata: tuple[Path, Any]
) -> None:
    bad = tmp_path / "bad.warc.wat.gz"
    bad.write_bytes(b"\x89PNG and so on")
    runs.run(tmp_path / "run", [*mini_wats, bad], metadata[0], max_failed_inputs=0.5)
    failed = [row for row in runs.table(tmp_path / "run", "inputs") if row["status"] == "failed"]
    assert [row["path"] for row in failed] == [str(bad)]
    assert failed[0]["error"]
    with pytest.raises(JobFailedError, match="1 of 3 input files failed"):
        runs.run(tmp_path / "run", [*mini_wats, bad], metadata[0])


def test_an_input_that_was_completed_later_is_read_when_that_is_asked_for(
    tmp_path: Path, mini_wats: list[Path], metadata: tuple[Path, Any]
) -> None:
    path, output = tmp_path / "growing.warc.wat.gz", tmp_path / "run"
    told: list[str] = []
    whole = mini_wats[0].read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    def extract(folder: Path, **given: Any) -> tuple[Rows, Rows]:
        Pipeline(runs.options(folder, [path, mini_wats[1]], metadata[0], **given), log=told.append).extract()
        return runs.table(folder, "pairs"), runs.table(folder, "inputs")

    half = extract(output)
    path.write_bytes(whole)
    told.clear()
    assert extract(output) == half
    assert [line for line in told if f"1 input file changed after being read ({path})" in line]
    found = extract(output, retry_failed=True)
    assert found == extract(tmp_path / "undisturbed")
    assert len(found[0]) > len(half[0])
    told.clear()
    assert extract(output, retry_failed=True) == found
    assert not [line for line in told if "changed" in line or "again" in line]


def test_pairs_that_were_altered_are_an_error_and_never_left_out(
    tmp_path: Path, spark: SparkSession, mini_wats: list[Path], metadata: tuple[Path, Any]
) -> None:
    output = tmp_path / "run"
    pipeline = Pipeline(runs.options(output, mini_wats, metadata[0]), log=lambda line: None)
    pipeline.extract()
    path = next((output / "pairs").rglob("*.parquet"))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(UserError, match=f"{path} is damaged: put a whole copy .* --again-from extract"):
        pipeline.dedup()
    assert RunFolder(str(output)).parts("dedup") == {}
    path.write_bytes(whole)
    pipeline.dedup()
    path = next((output / "distinct").rglob("*.parquet"))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[texts_of(path, "en") + 30] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(UserError, match=f"{path} is damaged: put a whole copy .* --again-from dedup"):
        pipeline.match()
    path.write_bytes(whole)
    pipeline.match()
    assert len(runs.table(output, "matched")) > 500


def texts_of(path: Path, label: str) -> int:
    """Where the texts of a label begin in a file of `distinct`; those of languages without metadata aren't read."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            if file.read_row_group(number, columns=["lang"])["lang"][0].as_py() == label:
                return int(file.metadata.row_group(number).column(file.schema.names.index("text")).data_page_offset)
    raise AssertionError(label)


def test_matching_again_reads_distinct_pairs_and_shuffles_nothing(
    tmp_path: Path, spark: SparkSession, finished: Path, mini_wats: list[Path], metadata: tuple[Path, Any]
) -> None:
    output = tmp_path / "run"
    shutil.copytree(finished, output)
    RunFolder(str(output)).discard("match")
    shutil.rmtree(output / "pairs")
    before = {path: path.stat().st_mtime_ns for path in (output / "distinct").rglob("*")}
    shuffled = shuffled_bytes(spark)
    Pipeline(runs.options(output, mini_wats, metadata[0], entry_spacing="metaclip1"), log=lambda line: None).match()
    expected = runs.expected_tables(mini_wats, metadata[1], entry_spacing="metaclip1")
    assert_same(runs.table(output, "matched"), expected["matched"])
    assert {path: path.stat().st_mtime_ns for path in (output / "distinct").rglob("*")} == before
    assert shuffled_bytes(spark) == shuffled > 0


def shuffled_bytes(spark: SparkSession) -> int:
    """Bytes that the session's tasks have written for shuffles so far."""
    executors = spark.sparkContext._jsc.sc().statusStore().executorList(False)
    return sum(executors.apply(number).totalShuffleWrite() for number in range(executors.size()))


def test_an_anchor_without_a_match_is_an_error_that_says_what_to_use(
    tmp_path: Path, mini_wats: list[Path], metadata: tuple[Path, Any]
) -> None:
    folder = tmp_path / "lists"
    shutil.copytree(metadata[0], folder)
    (folder / "en.json").write_text('["nobody writes this"]')
    with pytest.raises(UserError, match=r"--tail-share P .* or --same-t"):
        runs.run(tmp_path / "run", mini_wats, folder)


def test_manifest_order_is_fixed_by_the_seed_and_not_tied_to_the_draw(finished: Path) -> None:
    files = sorted((finished / "manifest").iterdir())
    assert [path.name for path in files] == ["part-00000.parquet"]
    rows = pq.read_table(files[0])
    draws = rows.column("draw").to_numpy()
    assert abs(np.corrcoef(draws, np.arange(len(draws)))[0, 1]) < 0.1
    uids = rows.column("uid").to_pylist()
    assert uids != sorted(uids)


def test_real_pages_equal_the_oracles(tmp_path: Path, real_data: Path) -> None:
    names = ("cc-sample", "wide-sample", "news")
    wats = [real_data / "wat" / f"{name}.warc.wat.gz" for name in names]
    languages = (*runs.FEW_LANGUAGES, "ar", "es", "ru", "zh")
    metadata = runs.write_metadata_for(wats, tmp_path / "lists", languages=languages)
    assert len(metadata) == len(languages)
    runs.run(tmp_path / "run", wats, tmp_path / "lists")
    expected = runs.expected_tables(wats, metadata)
    found = runs.tables(tmp_path / "run")
    for name in runs.TABLES:
        assert_same(found[name], expected[name])
