"""All stages on a session of Spark Connect, which has no RDD and no JVM, give bit for bit what a classic one gives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

from metaclip_curate.cli import main
from metaclip_curate.spark.java import find_java_home
from tests.support import quick_spark, runs
from tests.support.processes import kill_session

SPARK_HOME = Path(pyspark.__file__).parent
_SLOWEST = 120.0
_CURATE = """
import sys
from pyspark.sql import SparkSession
from metaclip_curate import CurateOptions, curate
from metaclip_curate.options.draw import DrawOptions

spark = SparkSession.builder.getOrCreate()
options = CurateOptions(draw=DrawOptions(seed=3, texts_per_image="one"))
result = curate(spark, spark.read.parquet(sys.argv[1]), sys.argv[2], 20, options)
print(*sorted(row[0] for row in result.kept.select("uid").collect()))
result.unpersist()
"""

pytestmark = [
    pytest.mark.usefixtures("spark"),
    pytest.mark.skipif(
        not list((SPARK_HOME / "jars").glob("spark-connect_*")), reason="this pyspark comes without Connect's server"
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Spark's own server, and its address."""
    folder = tmp_path_factory.mktemp("connect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = find_java_home(pyspark.__version__)
    environment = os.environ | ({"JAVA_HOME": home} if home else {}) | {"PYSPARK_PYTHON": sys.executable}
    command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", "local[2]"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    for setting in (
        f"spark.connect.grpc.binding.port={port}",
        "spark.connect.grpc.binding.address=127.0.0.1",
        "spark.driver.host=127.0.0.1",
        "spark.driver.bindAddress=127.0.0.1",
        "spark.ui.enabled=false",
        "spark.sql.shuffle.partitions=3",
        *(f"{name}={value}" for name, value in quick_spark.QUERIES.items()),
    ):
        command += ["--conf", setting]
    command += ["--driver-java-options", quick_spark.java_options(), "spark-internal"]
    log = folder / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + _SLOWEST
        while "Spark Connect server started" not in log.read_text():
            assert process.poll() is None and time.monotonic() < end, log.read_text()[-3000:]
            time.sleep(0.1)
        yield f"sc://127.0.0.1:{port}"
    finally:
        kill_session(process)


def test_a_session_of_spark_connect_gives_the_same(tmp_path: Path, mini_wats: list[Path], server: str) -> None:
    metadata = tmp_path / "metadata"
    runs.write_metadata_for(mini_wats[:1], metadata, languages=runs.FEW_LANGUAGES)
    given = ["run", "--input", str(mini_wats[0]), "--metadata", str(metadata), "--t", "20", "--seed", "3"]
    # Of the ways a draw can be done the one with a shuffle more.
    given += ["--texts-per-image", "one"]
    classic, connected = tmp_path / "classic", tmp_path / "connected"
    assert main([*given, "--output", str(classic), "--no-report"]) == 0

    program = str(Path(sys.executable).parent / "metaclip-curate")
    # Without Java this process could not make a session of its own if it wanted to.
    environment = os.environ | {"SPARK_REMOTE": server, "JAVA_HOME": "/nowhere", "no_proxy": "127.0.0.1"}
    command = [program, *given, "--output", str(connected)]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_SLOWEST, check=False)
    assert answer.returncode == 0, answer.stderr[-6000:]

    assert runs.tables(connected) == runs.tables(classic)
    # A DataFrame on that session: the pairs of the run, which has no folder here.
    call = [sys.executable, "-c", _CURATE, str(classic / "pairs" / "*"), str(metadata)]
    answer = subprocess.run(call, env=environment, capture_output=True, text=True, timeout=_SLOWEST, check=False)
    assert answer.returncode == 0, answer.stderr[-6000:]
    assert answer.stdout.split() == sorted(row["uid"] for row in runs.table(classic, "manifest"))

    ours, theirs = sorted((connected / "manifest").iterdir()), sorted((classic / "manifest").iterdir())
    assert [(path.name, path.read_bytes()) for path in ours] == [(path.name, path.read_bytes()) for path in theirs]
