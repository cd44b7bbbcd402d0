"""Inputs behind passwords and signatures: they are read, and nothing that a run leaves behind shows how."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
import pyspark
import pytest
from pyspark.sql import SparkSession

from metaclip_curate.cli import main
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.spark.java import find_java_home
from metaclip_curate.storage import StorageOptions
from tests.conftest import ROOT
from tests.support import runs
from tests.support.servers.faulty_http import Fault
from tests.support.servers.guarded_http import GuardedHTTPServer

Rows = list[dict[str, Any]]
PASSWORD, SIGNATURE, TOKEN = "pass/word", "S1GN4TURE", "T0K3N"
SECRETS = (PASSWORD, quote(PASSWORD, safe=""), SIGNATURE, TOKEN, "AKIAEXAMPLE")
STORAGE = StorageOptions(read_timeout=5, max_attempts=1)
COMMAND = "from metaclip_curate.cli import entry_point; entry_point()"


def signature(text: str) -> str:
    return f"X-Amz-Credential=AKIAEXAMPLE%2Fs3&X-Amz-Signature={text}"


@pytest.fixture
def server(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[GuardedHTTPServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    before = dict(spark.sparkContext.environment)
    spark.sparkContext.environment["no_proxy"] = "127.0.0.1"
    with GuardedHTTPServer(f"user:{PASSWORD}", signature(SIGNATURE)) as guarded:
        yield guarded
    spark.sparkContext.environment.clear()
    spark.sparkContext.environment.update(before)


def test_nothing_that_a_run_leaves_shows_a_secret(
    tmp_path: Path, mini_wats: list[Path], server: GuardedHTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    metadata, logs, output = tmp_path / "metadata", tmp_path / "logs", tmp_path / "run"
    runs.write_metadata_for(mini_wats, metadata, entries=20, languages=runs.FEW_LANGUAGES)
    logs.mkdir()
    (tmp_path / "spark-defaults.conf").write_text(
        f"spark.eventLog.enabled true\nspark.eventLog.compress false\nspark.eventLog.dir {logs}\n"
    )
    data = mini_wats[0].read_bytes()
    server.add("/a.warc.wat.gz", data)
    server.add("/breaks.warc.wat.gz", data)
    server.fail(f"/breaks.warc.wat.gz?{signature(SIGNATURE)}", *[Fault(after=90_000), Fault(status=500)])
    wrong = f"{server.url}/wrong.warc.wat.gz?token={TOKEN}"
    nobody = f"http://user:{TOKEN}@127.0.0.1:1/nobody.warc.wat.gz?sig={TOKEN}"
    (tmp_path / "list.txt").write_text(f"{server.signed('/breaks.warc.wat.gz')}\n{wrong}\n{nobody}\nhttp://[\n")
    given = ["--input", server.signed("/a.warc.wat.gz"), f"@{tmp_path / 'list.txt'}", "--metadata", str(metadata)]
    given += ["--output", str(output), "--max-failed-inputs", "1", "--read-timeout", "5", "--max-attempts", "1"]
    given += ["--s3-endpoint-url", f"http://user:{TOKEN}@127.0.0.1:1", "--t", "5", "--no-report"]
    home = find_java_home(pyspark.__version__)
    environment = os.environ | ({"JAVA_HOME": home} if home else {}) | {"SPARK_CONF_DIR": str(tmp_path)}
    program = [sys.executable, "-c", COMMAND, "run", *given, "--master", "local[2]", "--driver-memory", "1g"]
    answer = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()
    assert main(["report", "--run", str(output)]) == 0
    assert (output / "report.html").is_file()

    files = [path for path in [*output.rglob("*"), *logs.rglob("*")] if path.is_file()]
    reported = "".join(capsys.readouterr()).encode()
    shown = {"stdout": answer.stdout, "stderr": answer.stderr, "report": reported} | {
        str(path): path.read_bytes() for path in files
    }
    shown |= {
        f"rows of {path}": repr(pq.read_table(path).to_pylist()).encode() for path in files if path.suffix == ".parquet"
    }
    assert any(b"SparkListenerJobStart" in data for data in shown.values()), "Spark wrote no event log"
    found = [(secret, where) for where, data in shown.items() for secret in SECRETS if secret.encode() in data]
    assert found == []

    inputs = {row["path"]: row for row in runs.table(output, "inputs")}
    names = [f"{server.url}/{name}.warc.wat.gz" for name in ("a", "breaks", "wrong")]
    assert inputs.keys() == {*names, "http://127.0.0.1:1/nobody.warc.wat.gz", "http://["}
    assert [inputs[name]["status"] for name in names] == ["ok", "partial", "failed"]
    assert {row["source_file"] for row in runs.table(output, "manifest")} <= set(names[:2])


def extract(output: Path, inputs: list[str], retry: bool = False) -> tuple[Rows, list[str]]:
    options = runs.options(output, inputs, output, max_failed_inputs=1.0, retry_failed=retry)
    told: list[str] = []
    Pipeline(replace(options, storage=STORAGE), log=told.append).extract()
    return runs.table(output, "inputs"), told


def test_tomorrows_signature_is_of_the_same_file(
    tmp_path: Path, mini_wats: list[Path], server: GuardedHTTPServer
) -> None:
    path = "/a.warc.wat.gz"
    server.add(path, mini_wats[0].read_bytes())
    output, listed = tmp_path / "run", tmp_path / "list.txt"
    other = server.add("/b.warc.wat.gz", mini_wats[1].read_bytes())
    signed = server.signed("/b.warc.wat.gz")
    server.fail(
        signed.removeprefix(server.url.replace("://", f"://user:{quote(PASSWORD, safe='')}@")), Fault(status=503)
    )
    listed.write_text(signed)
    inputs, _ = extract(output, [server.signed(path), f"@{listed}"])
    assert [(row["path"], row["status"]) for row in inputs] == [(server.url + path, "ok"), (other, "failed")]

    server.signature = signature("TOMORROW")
    again, told = extract(output, [server.signed(path)])
    assert again == inputs
    assert any(", 0 new" in line for line in told)

    # Read again by its name alone, it says what is missing; with the new signature it is read.
    again, told = extract(output, [server.signed(path)], retry=True)
    assert again == inputs
    assert any("HTTP 401" in line and "none of this command's --input" in line for line in told)
    again, _ = extract(output, [server.signed("/b.warc.wat.gz")], retry=True)
    assert [(row["path"], row["status"]) for row in again] == [(server.url + path, "ok"), (other, "ok")]


def test_odd_local_names(tmp_path: Path, mini_wats: list[Path], spark: SparkSession) -> None:
    """One file by two names, in one run and in the next, and one whose name no table can hold."""
    folder = tmp_path / "in"
    folder.mkdir()
    odd = folder / os.fsdecode(b"caf\xe9.wat.gz")
    odd.write_bytes(mini_wats[0].read_bytes())
    (folder / "b.wat.gz").write_bytes(mini_wats[1].read_bytes())
    (folder / "link.wat.gz").symlink_to("b.wat.gz")
    inputs, _ = extract(tmp_path / "run", [str(folder)])
    assert [row["status"] for row in inputs] == ["ok", "ok"]
    assert [row["path"] for row in inputs] == [str(folder / "b.wat.gz"), f"{folder.as_uri()}/caf%E9.wat.gz"]
    again, told = extract(tmp_path / "run", [str(folder / "link.wat.gz"), str(odd)])
    assert again == inputs
    assert any(", 0 new" in line for line in told)
