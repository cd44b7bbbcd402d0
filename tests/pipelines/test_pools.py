"""A run over pools of several forms and a crawl file, from the pairs to the manifest and what reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from examples import pool_writer
from metaclip_curate import storage
from metaclip_curate.cli import main
from metaclip_curate.errors import UserError
from metaclip_curate.extract.pools import parquet_rows
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.pipelines import pool_inputs, rounds
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.stages.extract_task import ExtractTask
from metaclip_curate.storage import StorageOptions
from tests.support import oracle, runs

Rows = list[dict[str, Any]]
POOL: dict[str, Any] = {"id_column": "id", "keep_columns": ("score", "tags", "width"), "no_url": "mine"}
KEPT = {"score": "score", "tags": "tags", "width": "pool_width"}


def pool_rows(wat: Path) -> Rows:
    """Texts of a crawl as a pool has them; every ninth pair has no URL."""
    texts = list(dict.fromkeys(row["text"] for row in oracle.read_wat(wat)[0]))[:420]
    return [
        {
            "url": "" if number % 9 == 8 else f"https://pool.example/{number}.jpg",
            "text": text,
            "id": f"{number:032X}",
            "score": number / 8,
            "tags": [f"tag {number % 3}"] if number % 2 else None,
            "width": number,
        }
        for number, text in enumerate(texts)
    ]


def write_pool(folder: Path, rows: Rows) -> list[tuple[Path, Rows]]:
    """Writes parts of the rows in three forms; the second has pairs of the first as well."""
    folder.mkdir()
    parts = [rows[:200], rows[150:300], rows[300:]]
    files = [folder / "a.parquet", folder / "b.jsonl", folder / "c.tar"]
    pool_writer.write_parquet(files[0], parts[0], row_group_size=30)
    pool_writer.write_json_lines(files[1], parts[1])
    pool_writer.write_tar(files[2], parts[2], lambda number: b"no picture")
    pool_writer.write_parquet(folder / "c.parquet", parts[2])  # the table that img2dataset writes beside a tar
    return list(zip(files, parts, strict=True))


def expected_of(files: Sequence[tuple[Path, Rows]], wats: Sequence[Path], metadata: dict[str, list[str]]) -> Any:
    read = []
    for path, rows in files:
        column = "txt" if path.suffix == ".tar" else "text"
        named = [{column: row["text"], **row} for row in rows]
        keys = [row["id"] for row in rows]
        found, account = oracle.read_pool(
            named, str(path), texts=(column,), source_id="id", keep=tuple(KEPT), urn="urn:pool:mine:", keys=keys
        )
        for row in found:
            row["pool_width"] = row.pop("width")
        read.append((found, account))
    for wat in wats:
        found, account = oracle.read_wat(wat)
        read.append(([{**row, **dict.fromkeys(KEPT.values())} for row in found], account))
    return runs.tables_of([row for rows, _ in read for row in rows], [account for _, account in read], metadata)


def assert_tables(output: Path, expected: dict[str, Rows]) -> None:
    for name, rows in runs.tables(output).items():
        wanted = expected[name]
        assert len(rows) == len(wanted), name
        for found, theirs in zip(rows, wanted, strict=True):
            if name == "thresholds":
                theirs["expected_pairs"] = pytest.approx(theirs["expected_pairs"], rel=1e-12)
            assert {key: found[key] for key in theirs} == theirs, name


@pytest.mark.slow
def test_pools_of_all_forms_and_a_crawl(
    tmp_path: Path, spark: SparkSession, mini_wats: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_inputs, "split_by_rows", lambda rows: parquet_rows.split_by_rows(rows, 70))
    monkeypatch.setattr(rounds, "ExtractTask", partial(ExtractTask, pool_file_rows=30))
    metadata = runs.write_metadata_for(mini_wats, tmp_path / "lists", languages=("en", "th"))
    files = write_pool(tmp_path / "pool", pool_rows(mini_wats[0]))
    inputs: list[Path] = [tmp_path / "pool", mini_wats[1]]
    output = tmp_path / "run"
    runs.run(output, inputs, tmp_path / "lists", **POOL)
    assert_tables(output, expected_of(files, mini_wats[1:], metadata))
    folder = RunFolder(str(output))
    lists = [folder.file_list("extract", part) for part in folder.parts("extract")]
    origins = [origin for files_of in lists if files_of for origin in files_of.origins.values()]
    divided = sorted(origin[2:] for origin in origins if origin.source_file.endswith(".parquet"))
    # Each task read two row groups, and wrote a file of each.
    assert divided == [(0, 0), (0, 1), (2, 0), (2, 1), (4, 0), (4, 1), (6, 0)]
    assert {origin[2:] for origin in origins if not origin.source_file.endswith(".parquet")} == {(0, 0)}
    assert [field.name for field in folder.kept_columns()] == list(KEPT.values())
    manifest = runs.table(output, "manifest")
    assert {row["source_file"].rpartition(".")[2] for row in manifest} == {"parquet", "jsonl", "tar", "gz"}

    # The run grows, and what its first files have for types stays.
    more = [{**row, "text": f"another {row['text']}", "score": 1} for row in pool_rows(mini_wats[0])[:40]]
    pool_writer.write_json_lines(tmp_path / "pool" / "d.jsonl", more)
    runs.run(output, inputs, tmp_path / "lists", **POOL)
    expected = expected_of([*files, (tmp_path / "pool" / "d.jsonl", more)], mini_wats[1:], metadata)
    assert_tables(output, expected)
    manifest = runs.table(output, "manifest")

    # What reads a finished run.
    assert main(["explain", "--run", str(output), "--uid", manifest[0]["uid"]]) == 0
    assert main(["export", "--run", str(output), "--output", str(tmp_path / "ids"), "--format", "ids"]) == 0
    ids = (tmp_path / "ids" / "ids.txt").read_text().splitlines()
    assert sorted(ids) == sorted(row["source_id"] or row["uid"] for row in runs.table(output, "manifest"))
    assert main(["export", "--run", str(output), "--output", str(tmp_path / "uids"), "--format", "datacomp"]) == 0
    uids = np.load(tmp_path / "uids" / "uids.npy")
    assert sorted(f"{high:016x}{low:016x}" for high, low in uids.tolist()) == sorted(each.lower() for each in ids)
    assert json.loads((tmp_path / "uids" / "export.json").read_text())["uids"] == len(ids)
    assert pq.read_schema(next((output / "manifest").iterdir())).field("tags").type.value_type == "string"


def test_what_is_wrong_with_the_columns_is_said_before_anything_is_read(tmp_path: Path) -> None:
    pool_writer.write_json_lines(tmp_path / "a.jsonl", [{"link": "https://a.example/", "words": "x", "when": [{}]}])

    def refused(**given: Any) -> str:
        options = runs.options(tmp_path / "run", [tmp_path / "a.jsonl"], tmp_path, **given)
        with pytest.raises(UserError) as error:
            Pipeline(options).extract()
        return str(error.value)

    assert "a.jsonl can't be read as a pool: it has no column of texts among link, when, words" in refused()
    given: dict[str, Any] = {"text_column": ("words",), "url_column": "link"}
    (tmp_path / "en.txt").write_text("x\n")
    with pytest.raises(UserError, match=r"--where names score, which isn't a column .*: the run has none"):
        Pipeline(runs.options(tmp_path / "run", [tmp_path / "a.jsonl"], tmp_path, where="score > 1", **given)).run()
    assert "it has no column uid among" in refused(**given, id_column="uid")
    assert refused(**given, keep_columns=("score",)) == (
        "--keep-columns score: none of the first 3 files of a folder has values in it; correct the name or leave it out"
    )
    assert "the column when of" in refused(**given, keep_columns=("when",))
    (tmp_path / "a.jsonl").write_text('{"link": "https://a.example/", "words": "x", "lang": "en", "pool_lang": "en"}\n')
    assert "lang is kept as pool_lang" in refused(**given, keep_columns=("lang", "pool_lang"))
    (tmp_path / "a.jsonl").write_text('{"link": "a", "words": "x", "k": 1}\n{"link": "b", "words": "x", "k": "y"}\n')
    assert "its column k, which --keep-columns names, has values of several types" in refused(
        **given, keep_columns=("k",)
    )
    (tmp_path / "a.jsonl").write_text(f'{{"link": "a", "words": "x", "k": {2**70}}}\n')
    assert "or too large ones" in refused(**given, keep_columns=("k",))
    assert not (tmp_path / "run").exists()


def test_files_without_rows_say_nothing_about_the_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "b.csv").write_text("url,text\n")
    (tmp_path / "c.csv").write_text("url,text,score\nhttps://a.example/,x,5\n")
    inputs = storage.expand_inputs([str(tmp_path)], StorageOptions(), seed=0)
    columns = PoolOptions(keep_columns=("score",))
    assert pool_inputs.PoolInputs(inputs, columns, StorageOptions()).kept_types() == ["int64"]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (["5", "-12", ""], "int64"),
        (["1234567890123456789", "0"], "int64"),
        (["5", "0.25", "1e3", "-0.5"], "double"),
        (["007", "12"], "string"),
        (["0x1F"], "string"),
        (["12345678901234567890", "1"], "string"),
        (["1234567890123456.5"], "string"),
        (["high"], "string"),
    ],
)
def test_types_of_columns_of_text(tmp_path: Path, fields: list[str], kind: str) -> None:
    rows = "".join(f"https://a.example/,x,{field}\n" for field in fields)
    (tmp_path / "a.csv").write_text(f"url,text,k\n{rows}")
    inputs = storage.expand_inputs([str(tmp_path)], StorageOptions(), seed=0)
    found = pool_inputs.PoolInputs(inputs, PoolOptions(keep_columns=("k",)), StorageOptions())
    assert found.kept_types() == [kind]


def test_columns_of_nulls_leave_their_type_to_the_next_file(tmp_path: Path) -> None:
    about = {"url": ["https://a.example/"], "text": ["x"]}
    # pandas writes these types where a shard has no value.
    pq.write_table(pa.table(about | {"license": pa.nulls(1), "tags": pa.array([[]])}), tmp_path / "a.parquet")
    pq.write_table(pa.table(about | {"license": ["by"]}), tmp_path / "b.parquet")
    pq.write_table(pa.table(about | {"license": [1], "tags": [["x"]]}), tmp_path / "c.parquet")
    inputs = storage.expand_inputs([str(tmp_path)], StorageOptions(), seed=0)
    found = pool_inputs.PoolInputs(inputs, PoolOptions(keep_columns=("license", "tags")), StorageOptions())
    assert found.kept_types() == ["string", "list of string"]


def test_a_run_that_grows_keeps_its_columns_without_the_new_files(tmp_path: Path) -> None:
    pool_writer.write_json_lines(tmp_path / "new.jsonl", [{"url": "https://a.example/", "text": "x"}])
    inputs = storage.expand_inputs([str(tmp_path)], StorageOptions(), seed=0)
    found = pool_inputs.PoolInputs(inputs, PoolOptions(keep_columns=("score",)), StorageOptions())
    assert found.kept_types(["double"]) == ["double"]


def test_files_that_would_give_the_same_urls_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pool_writer.write_tar(tmp_path / name / "0.tar", [{"text": "x"}], lambda number: b"")
    options = runs.options(tmp_path / "run", [tmp_path / "a", tmp_path / "b"], tmp_path, no_url="mine")
    with pytest.raises(UserError, match=r"a/0.tar and .*b/0.tar would give their pairs the same URLs"):
        Pipeline(options).extract()
