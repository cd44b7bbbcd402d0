"""Inputs over HTTP and S3 through the whole pipeline, with all that goes wrong on the way; run folders on S3."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from metaclip_curate import storage
from metaclip_curate.cli import main
from metaclip_curate.errors import UserError
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.run import manifest_files
from metaclip_curate.run.file_list import FileList
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import ExtractPart
from metaclip_curate.run.summaries import ExtractSummary
from metaclip_curate.run.tables import read_columns, write_part
from metaclip_curate.schemas import MANIFEST
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.s3_client import forget_clients
from tests.support import runs
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.s3 import Credentials, S3Server

Rows = list[dict[str, Any]]
# Files that were to be read whole: 205 KB and 173 KB; what breaks them off does so in their middle.
MIDDLE = 90_000
CRAWL = "crawl-data/CC-MAIN-2025-30"


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """Loopback without a proxy, and no credentials but those of the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        yield patch
    forget_clients()


@pytest.fixture(scope="module")
def s3(environment: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A server that checks signatures; its owner's credentials are in the environment."""
    with S3Server() as server:
        for name, value in server.owner.environment().items():
            environment.setenv(name, value)
        forget_clients()
        yield server


@pytest.fixture(scope="module")
def workers(spark: SparkSession, s3: S3Server) -> Iterator[SparkSession]:
    """The session, whose Python workers are started with these credentials from now on."""
    before = dict(spark.sparkContext.environment)
    spark.sparkContext.environment.update(s3.owner.environment(), no_proxy="127.0.0.1")
    yield spark
    spark.sparkContext.environment.clear()
    spark.sparkContext.environment.update(before)


@pytest.fixture
def http(environment: pytest.MonkeyPatch) -> Iterator[FaultyHTTPServer]:
    with FaultyHTTPServer() as server:
        yield server


@pytest.fixture
def faulty_s3(s3: S3Server) -> Iterator[FaultyHTTPServer]:
    with FaultyHTTPServer(upstream=s3.url) as server:
        yield server


def extract(output: Path, inputs: list[str], options: StorageOptions, **given: Any) -> tuple[Rows, Rows]:
    """Extracts, and returns the pairs and the inputs."""
    all_options = dataclasses.replace(runs.options(output, inputs, output, **given), storage=options)
    Pipeline(all_options, log=lambda line: None).extract()
    return runs.table(output, "pairs"), runs.table(output, "inputs")


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def listed(folder: Path, *urls: str) -> str:
    """A list of inputs: unlike those that are named directly, its files aren't looked at before."""
    path = folder / "inputs.txt"
    path.write_text("\n".join(urls))
    return f"@{path}"


def test_the_pairs_are_the_local_files(
    tmp_path: Path,
    workers: SparkSession,
    mini_wats: list[Path],
    s3: S3Server,
    http: FaultyHTTPServer,
    faulty_s3: FaultyHTTPServer,
) -> None:
    local = mini_wats[0]
    data = local.read_bytes()
    s3.put("inputs", {"plain.warc.wat.gz": data, "odd.warc.wat.gz": data})
    faulty_s3.fail("/inputs/odd.warc.wat.gz", Fault(status=503), Fault(after=MIDDLE, ending="reset"))
    urls = [
        http.add("/slow-down.warc.wat.gz", data, [Fault(status=503, headers={"Retry-After": "1"})]),
        http.add("/short.warc.wat.gz", data, [Fault(after=MIDDLE), Fault(after=1)]),
        http.add("/reset.warc.wat.gz", data, [Fault(after=MIDDLE, ending="reset")]),
        http.add("/stall.warc.wat.gz", data, [Fault(after=MIDDLE, ending="stall")]),
        http.add("/no-range.warc.wat.gz", data, [Fault(after=MIDDLE), Fault(ignore_range=True)]),
        "s3://inputs/plain.warc.wat.gz",
        "s3://inputs/odd.warc.wat.gz",
    ]
    names = [f"{CRAWL}/segments/1/wat/{number}.warc.wat.gz" for number in range(5)]
    http.add(f"/{CRAWL}/wat.paths.gz", "\n".join(names).encode())
    for name in names:
        http.add(f"/{name}", data, [Fault(status=500)])
    options = StorageOptions(s3_endpoint_url=faulty_s3.url, cc_base=http.url, read_timeout=2, max_attempts=4)

    given = [listed(tmp_path, *urls), "cc:CC-MAIN-2025-30:2", str(local)]
    pairs, inputs = extract(tmp_path / "run", given, options, seed=1)

    assert [row["status"] for row in inputs] == ["ok"] * (len(urls) + 3)
    assert len({row["path"] for row in inputs} & set(names)) == 2
    expected = [without(row, "source_file") for row in pairs if row["source_file"] == str(local)]
    assert len(expected) > 1000
    account = next(without(row, "path") for row in inputs if row["path"] == str(local))
    assert account["bytes_read"] == len(data)
    for row in inputs:
        assert without(row, "path") == account
        found = [without(pair, "source_file") for pair in pairs if pair["source_file"] == row["path"]]
        assert found == expected
    assert all("authorization" in request.headers for request in faulty_s3.requests)
    assert [len(http.asked(f"/{name}.warc.wat.gz")) for name in ("slow-down", "short", "reset", "stall")] == [
        2,
        3,
        2,
        2,
    ]


def test_an_input_that_is_given_up_says_why_and_the_run_goes_on(
    tmp_path: Path,
    workers: SparkSession,
    mini_wats: list[Path],
    s3: S3Server,
    http: FaultyHTTPServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = mini_wats[0].read_bytes()
    s3.put("inputs", {"other.warc.wat.gz": data})
    again = 10
    reasons = {
        http.add("/down", data, [Fault(status=503)] * again): ("failed", "gave up after 2 attempts in a row: HTTP 503"),
        http.add("/hangs", data, [Fault(after=0, ending="stall")] * again): ("failed", "no answer from 127.0.0.1"),
        http.url + "/gone": ("failed", "HTTP 404"),
        http.add("/breaks.warc.wat.gz", data, [Fault(after=MIDDLE), *[Fault(status=500)] * again]): (
            "partial",
            f"HTTP 500 Internal Server Error (after {MIDDLE} bytes)",
        ),
        http.add("/changes.warc.wat.gz", data, [Fault(after=MIDDLE), Fault(headers={"ETag": '"b"'})]): (
            "partial",
            "changed while",
        ),
        "s3://inputs/gone.warc.wat.gz": ("failed", "404 NoSuchKey"),
        "s3://no-such-bucket/a.warc.wat.gz": ("failed", "404 NoSuchBucket"),
        "s3://inputs/other.warc.wat.gz": ("ok", ""),
    }
    runs.write_metadata_for(mini_wats, tmp_path / "metadata", entries=20, languages=runs.FEW_LANGUAGES)
    given = ["--input", listed(tmp_path, *reasons), "--metadata", str(tmp_path / "metadata"), "--t", "5"]
    given += ["--s3-endpoint-url", s3.url, "--read-timeout", "0.3", "--max-attempts", "2"]
    output = tmp_path / "run"
    assert main(["run", *given, "--output", str(output), "--max-failed-inputs", "1", "--no-report"]) == 0

    inputs = {row["path"]: row for row in runs.table(output, "inputs")}
    assert inputs.keys() == reasons.keys()
    printed = capsys.readouterr().out.splitlines()
    for path, (status, reason) in reasons.items():
        assert (inputs[path]["status"], reason in inputs[path]["error"]) == (status, True), inputs[path]
        assert sum(f" extract: {path}: {status}" in line for line in printed) == 1
    whole = inputs["s3://inputs/other.warc.wat.gz"]
    pairs = runs.table(output, "pairs")
    for path, row in inputs.items():
        assert row["pairs"] == sum(pair["source_file"] == path for pair in pairs)
        if row["status"] == "partial":
            assert 0 < row["pairs"] < whole["pairs"], path
            assert row["bytes_read"] == MIDDLE
        assert row["texts"] == row["duplicate_texts"] + row["pairs"]
    assert runs.table(output, "manifest")
    assert any(line.split() == ["failed", "5"] for line in printed)


def test_a_scheme_that_cannot_be_read_is_found_in_a_list_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line 1.*gopher"):
        storage.expand_inputs([listed(tmp_path, "gopher://a.example/a.warc.wat.gz")], StorageOptions(), 0)


def test_too_many_failed_inputs_fail_the_job_after_all_is_written(
    tmp_path: Path, spark: SparkSession, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.warc.wat.gz"
    bad.write_bytes(b"no WAT")
    output = tmp_path / "run"
    given = ["extract", "--input", str(bad), *map(str, mini_wats), "--output", str(output), "--max-failed-inputs"]
    assert main([*given, "0.3"]) == 1
    answer = capsys.readouterr()
    assert answer.err.startswith("metaclip-curate: 1 of 3 input files failed, more than --max-failed-inputs 0.3")
    assert "image links" in answer.out
    written = {path: path.stat().st_mtime_ns for path in output.rglob("*.parquet")}
    assert {row["path"] for row in runs.table(output, "inputs") if row["status"] == "failed"} == {str(bad)}
    assert {row["source_file"] for row in runs.table(output, "pairs")} == set(map(str, mini_wats))

    # With the same limit it fails again, with a higher one it goes on; in both cases nothing is read again.
    assert main([*given, "0.3"]) == 1
    assert main([*given, "0.34"]) == 0
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*.parquet")} == written


@pytest.mark.slow
def test_a_run_folder_on_s3_knows_what_is_finished(s3: S3Server) -> None:
    options = StorageOptions(s3_endpoint_url=s3.url)
    s3.put("runs", {"other/pairs/00000/x.parquet": b"another run's"})
    url = "s3://runs/mine/"
    folder = RunFolder(url, options)
    folder.begin("extract", {"seed": 1}, "")
    folder.begin_parts("extract", ["00001"])
    for part in ("00000", "00001", "00002"):
        rows = pa.Table.from_pylist([{"path": f"{part}.wat.gz", "pairs": 1}])
        files = {table: write_part(folder, table, part, rows) for table in ("inputs", "pairs")}
        if part != "00001":  # of which the run died before it was committed
            folder.commit_part("extract", part, ExtractPart(files=1), FileList(files))
    storage.write_bytes(storage.join(folder.work("extract-00001"), "a.parquet"), b"", options)

    again = RunFolder(url, options)
    assert sorted(again.parts("extract")) == ["00000", "00002"]
    assert read_columns(again, "extract", "inputs", ["path"]).to_pylist() == [
        {"path": "00000.wat.gz"},
        {"path": "00002.wat.gz"},
    ]
    assert read_columns(again, "extract", "inputs", ["path"], ["00002"]).to_pylist() == [{"path": "00002.wat.gz"}]
    assert not again.is_finished("extract", "")
    with pytest.raises(UserError, match="--seed 1, and the command says 2"):
        again.begin("extract", {"seed": 2}, "")
    again.begin("extract", {"seed": 1}, "")
    left = [f"{table}/{part}/part-00000.parquet" for table in ("inputs", "pairs") for part in ("00000", "00002")]
    lists = ["_files/extract/00000.json", "_files/extract/00002.json"]
    assert storage.list_folder(url, options, recursive=True) == [*lists, *left, "run.json"]
    again.finish("extract", ExtractSummary(files=2))

    last = RunFolder(url, options)
    assert last.is_finished("extract", "")
    assert last.summary(ExtractSummary) == ExtractSummary(files=2)
    assert last.fingerprint("extract") == again.fingerprint("extract")
    assert last.table_files("extract", "pairs") == [
        (f"s3://runs/mine/pairs/{part}/part-00000.parquet", 1) for part in ("00000", "00002")
    ]
    last.discard("extract")
    assert storage.list_folder(url, options, recursive=True) == ["run.json"]
    assert RunFolder(url, options).parts("extract") == {}
    assert storage.list_folder("s3://runs/other", options, recursive=True) == ["pairs/00000/x.parquet"]


@pytest.mark.slow
def test_a_manifest_file_on_s3(s3: S3Server) -> None:
    s3.put("runs", {})
    options = StorageOptions(s3_endpoint_url=s3.url)
    for _ in range(2):  # a task that is repeated
        manifest_files.write_part("s3://runs/m/manifest", 3, MANIFEST.empty_table(), options)
    assert storage.list_folder("s3://runs/m", options, recursive=True) == ["manifest/part-00003.parquet"]
    data = storage.read_bytes("s3://runs/m/manifest/part-00003.parquet", options)
    assert pq.read_schema(pa.BufferReader(data)).names == MANIFEST.names


@pytest.mark.slow
@pytest.mark.parametrize("bucket", ["runs", "no-such-bucket"])
def test_a_run_folder_on_s3_that_may_not_be_written(s3: S3Server, monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    s3.put("runs", {})
    wrong = s3.stranger if bucket == "runs" else s3.owner
    sign_with(monkeypatch, wrong)
    with pytest.raises(UserError, match=rf"s3://{bucket}/mine"):
        RunFolder(f"s3://{bucket}/mine", StorageOptions(s3_endpoint_url=s3.url)).begin("extract", {}, "")
    forget_clients()


def sign_with(monkeypatch: pytest.MonkeyPatch, credentials: Credentials) -> None:
    forget_clients()
    for name, value in credentials.environment().items():
        monkeypatch.setenv(name, value)
