"""The settings of a local session, and a session of Spark Connect whose server doesn't answer."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.daemon import manager
from pyspark.sql import SparkSession

from metaclip_curate.options.run import RunOptions
from metaclip_curate.spark import session
from metaclip_curate.spark.session import get_session, local_settings
from tests.conftest import ROOT


@pytest.mark.slow
def test_one_signal_ends_the_wait_for_a_server(tmp_path: Path) -> None:
    pytest.importorskip("grpc")
    wat = ROOT / "examples" / "wat" / "mini-00000.warc.wat.gz"
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "metaclip_curate", "extract", "--input", wat, "--output", tmp_path / "run"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=dict(os.environ, SPARK_REMOTE=f"sc://127.0.0.1:{server.getsockname()[1]}"),
        )
        try:
            server.settimeout(60)
            connection, _ = server.accept()
            with connection:
                process.send_signal(signal.SIGTERM)
                errors = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert errors.startswith("metaclip-curate: terminated"), errors
    assert errors.count("\n") == 1
    assert process.returncode == 143


@pytest.mark.parametrize(
    ("cores", "environment", "serial"),
    [(2, "", True), (4, "-Xss4m", True), (5, "", False), (2, "-Xss4m -XX:+UseG1GC", False)],
)
def test_few_cores_collect_garbage_in_one_thread_unless_the_user_chooses(
    monkeypatch: pytest.MonkeyPatch, cores: int, environment: str, serial: bool
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", environment)
    monkeypatch.delenv("JDK_JAVA_OPTIONS", raising=False)
    java = local_settings("1g")["spark.driver.defaultJavaOptions"]
    assert ("-XX:+UseSerialGC" in java.split()) == serial


@pytest.mark.parametrize(("cores", "optimising"), [(4, False), (5, True)])
def test_few_cores_leave_out_the_optimising_compiler(
    monkeypatch: pytest.MonkeyPatch, cores: int, optimising: bool
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    java = local_settings("1g")["spark.driver.defaultJavaOptions"]
    assert ("-XX:TieredStopAtLevel=1" not in java.split()) == optimising


@pytest.mark.slow
def test_workers_are_forked_after_the_large_imports() -> None:
    code = "import sys, metaclip_curate.spark.worker_daemon; print('pyarrow.compute' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    # The daemon writes its port to stdout, where an import must not print anything.
    assert found.stdout == "True\n"


@pytest.mark.parametrize(("master", "daemon"), [("local[2]", True), ("local", True), ("spark://host:7077", False)])
def test_workers_of_other_machines_are_forked_by_sparks_own_daemon(
    monkeypatch: pytest.MonkeyPatch, master: str, daemon: bool
) -> None:
    chosen: dict[str, str] = {}
    sessions_of_others = ("SPARK_REMOTE", "PYSPARK_GATEWAY_PORT")
    monkeypatch.setattr(
        os, "environ", {name: os.environ[name] for name in os.environ if name not in sessions_of_others}
    )
    builder = SparkSession.Builder()
    monkeypatch.setattr(builder, "config", lambda name, value: chosen.update({name: value}) or builder)
    monkeypatch.setattr(builder, "getOrCreate", lambda: None)
    monkeypatch.setattr(SparkSession, "builder", builder)
    monkeypatch.setattr(session, "_present_session", lambda: None)
    get_session(RunOptions(master=master))
    assert ("spark.python.daemon.module" in chosen) == daemon
    assert importlib.import_module(chosen.get("spark.python.daemon.module", "pyspark.daemon")).manager is manager


def test_a_session_of_the_programs_keeps_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPARK_REMOTE", "PYSPARK_GATEWAY_PORT"):
        monkeypatch.delenv(name, raising=False)
    mine = object()
    monkeypatch.setattr(SparkSession, "active", lambda: mine)
    monkeypatch.setattr(SparkSession, "builder", None)
    assert get_session(RunOptions()) is mine
    monkeypatch.setattr(SparkSession, "active", lambda: SimpleNamespace(_sc=SimpleNamespace(_jsc=None)))
    with pytest.raises(AttributeError, match="appName"):
        get_session(RunOptions())
