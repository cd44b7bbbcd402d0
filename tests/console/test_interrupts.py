"""Ctrl-C and SIGTERM while Spark works: one sentence, and an end."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import types

import pytest

from metaclip_curate.console import interrupts
from tests.conftest import ROOT
from tests.support.processes import kill_session

# A command whose job would take an hour, waited for by the main thread or by another one.
SCRIPT = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from metaclip_curate import cli
from metaclip_curate.options.run import RunOptions
from metaclip_curate.spark import java
from metaclip_curate.spark.session import get_session

def work():
    spark = get_session(RunOptions(master="local[1]", driver_memory="1g"))

    sign = sys.argv[1]

    def one(number):
        open(sign, "w").close()
        time.sleep(3600)

    def job():
        spark.sparkContext.parallelize([0], 1).map(one).collect()

    if sys.argv[2] == "thread":
        with ThreadPoolExecutor(1) as pool:
            pool.submit(job).result()
    job()

java.java_home = work
sys.exit(cli.main(["java-home"]))
"""


@pytest.mark.spark
@pytest.mark.parametrize(
    ("waits", "number", "status", "word"),
    [("main", signal.SIGINT, 130, "interrupted"), ("thread", signal.SIGTERM, 143, "terminated")],
)
def test_a_job_of_spark_is_left_with_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, waits: str, number: signal.Signals, status: int, word: str
) -> None:
    import time

    sign = tmp_path_factory.mktemp("sign") / "working"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(sign), waits],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        while not sign.exists() and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(number)
        printed, errors = process.communicate(timeout=120)
    finally:
        kill_session(process)
    lines = [line for line in errors.splitlines() if not line.startswith("WARNING: Using incubator modules")]
    assert lines == [f"metaclip-curate: {word}"], errors
    assert printed == ""
    assert process.returncode == status


def test_an_interruption_that_was_dropped_is_raised_at_the_end() -> None:
    with interrupts.interrupts_raised() as handler:
        handler.raise_again()  # nothing was received
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(interrupts.TerminatedError):
            handler.raise_again()


def test_a_server_that_does_not_answer_does_not_keep_its_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = threading.Event()

    class Client:
        close = staticmethod(closed.set)

    class Session:
        client = Client()

        def interruptAll(self) -> None:
            closed.wait()

    module = types.SimpleNamespace(SparkSession=types.SimpleNamespace(_default_session=Session()))
    monkeypatch.setitem(sys.modules, "pyspark.sql.connect.session", module)
    monkeypatch.setattr(interrupts, "_SERVER_SECONDS", 0.1)
    interrupts.cancel_jobs()
    assert closed.is_set()
