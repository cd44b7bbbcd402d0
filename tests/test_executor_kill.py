"""An executor that is killed in the middle of match, count or sample changes no table.

Spark's own small cluster: two executors, each a process with one core. Their Python is a script that lets one of them
start in a stage and makes the other wait, so that while the first does tasks of the stage, the second is certain to be
in the middle of one when it is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
import pytest

from metaclip_curate.pipeline import Pipeline
from tests import runs
from tests.conftest import ROOT
from tests.executor_run import OPTIONS, STAGES
from tests.processes import kill_session

pytestmark = [
    pytest.mark.usefixtures("spark"),
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds executors in /proc"),
]
KILLED_IN = ("match", "count", "sample")
_SLOWEST = 180.0  # seconds that a moment is waited for
_GATE = """#!/bin/sh
# Whoever waits leaves a file named by its executor's process; the daemon will have this process's number.
touch "{gate}/daemons/$$"
if [ -e "{gate}/closed" ] && ! mkdir "{gate}/first" 2>/dev/null; then
    touch "{gate}/held/$PPID"
    while [ -e "{gate}/closed" ]; do sleep 0.1; done
fi
exec "{python}" "$@"
"""


class Gate:
    """Stands before the start of an executor's Python daemon; open at first.

    Attributes:
        interpreter: What Spark is to run as Python.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("held", "daemons"):
            (folder / name).mkdir(parents=True)
        self.interpreter = folder / "python"
        self.interpreter.write_text(_GATE.format(gate=folder, python=sys.executable))
        self.interpreter.chmod(0o755)

    def close(self) -> None:
        """From now on one executor's Python starts and the other's waits; what runs is ended, between two stages."""
        for held in (self._folder / "held").iterdir():
            held.unlink()
        shutil.rmtree(self._folder / "first", ignore_errors=True)
        (self._folder / "closed").touch()
        for daemon in (self._folder / "daemons").iterdir():
            daemon.unlink()
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if b"pyspark.daemon" in Path(f"/proc/{daemon.name}/cmdline").read_bytes():
                    os.kill(int(daemon.name), signal.SIGKILL)

    def open(self) -> None:
        (self._folder / "closed").unlink()

    def waiting_executors(self) -> list[int]:
        """The processes of the executors with a task that waits."""
        return [int(held.name) for held in (self._folder / "held").iterdir()]


@contextmanager
def cluster_run(output: Path, metadata: Path, gate: Gate, scratch: Path) -> Iterator[subprocess.Popen[str]]:
    """The run in a process of its own; nothing of it is left afterwards."""
    home = scratch / "spark"  # the executors' folders go to $SPARK_HOME/work
    home.mkdir(parents=True)
    for item in Path(pyspark.__file__).parent.iterdir():
        if item.name != "work":
            (home / item.name).symlink_to(item)
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_DIRS": str(scratch),
        "TMPDIR": str(scratch),
        "PYSPARK_PYTHON": str(gate.interpreter),
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    command = [sys.executable, "-m", "tests.executor_run", str(output), str(metadata)]
    with (scratch / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            kill_session(process)


def kill_an_executor(gate: Gate, process: subprocess.Popen[str], log: Path) -> int:
    """Waits until an executor has a task that waits, and kills it."""
    end = time.monotonic() + _SLOWEST
    while not gate.waiting_executors():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    executor = gate.waiting_executors()[0]
    assert b"CoarseGrainedExecutorBackend" in Path(f"/proc/{executor}/cmdline").read_bytes()
    os.kill(executor, signal.SIGKILL)
    return executor


def test_an_executor_killed_in_the_middle_of_a_stage_changes_nothing(tmp_path: Path, mini_wats: list[Path]) -> None:
    metadata, output, undisturbed = tmp_path / "metadata", tmp_path / "killed", tmp_path / "undisturbed"
    runs.write_metadata_for(mini_wats, metadata)
    Pipeline(runs.options(output, mini_wats, metadata, **OPTIONS), tell=lambda line: None).extract()
    shutil.copytree(output, undisturbed)
    runs.run(undisturbed, mini_wats, metadata, **OPTIONS)

    gate, killed = Gate(tmp_path / "gate"), []
    with cluster_run(output, metadata, gate, tmp_path / "scratch") as process:
        assert process.stdin and process.stdout
        log = tmp_path / "scratch" / "log"
        for stage in STAGES:
            assert process.stdout.readline().strip() == stage, log.read_text()
            if stage in KILLED_IN:
                gate.close()
            process.stdin.write("go\n")
            process.stdin.flush()
            if stage in KILLED_IN:
                killed.append(kill_an_executor(gate, process, log))
                # Its tasks wait until now, so it died in the middle of them.
                assert not json.loads((output / "run.json").read_text())["stages"][stage]["finished"]
                gate.open()
        assert process.stdout.readline().strip() == "done", log.read_text()
    assert len(set(killed)) == len(KILLED_IN)
    assert runs.tables(output) == runs.tables(undisturbed)
    for path in (undisturbed / "manifest").iterdir():
        assert (output / "manifest" / path.name).read_bytes() == path.read_bytes()
    assert len(list((output / "manifest").iterdir())) == len(list((undisturbed / "manifest").iterdir()))
