"""A signal while pyspark waits for Java ends Java as well."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

# It starts a session within the command java-home, where only a signal ends it.
SCRIPT = """
import sys
from metaclip_curate import cli
from metaclip_curate.options.run import RunOptions
from metaclip_curate.spark import java, session

session.find_java_home = lambda version: ""
java.java_home = lambda: session.get_session(RunOptions(master="local[1]"))
sys.exit(cli.main(["java-home"]))
"""
# What stands for spark-submit, and never writes the file for which pyspark waits.
SUBMIT = """#!/bin/sh
echo $$ > {pid}.new
mv {pid}.new {pid}
while :; do sleep 0.1; done
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_java_does_not_outlive_the_command(tmp_path: Path, number: signal.Signals, status: int, word: str) -> None:
    pid = tmp_path / "pid"
    submit = tmp_path / "bin" / "spark-submit"
    submit.parent.mkdir()
    submit.write_text(SUBMIT.format(pid=pid))
    submit.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=dict(os.environ, SPARK_HOME=str(tmp_path)),
    )
    try:
        while not pid.exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        # It waits until the last process that has the pipes is gone.
        printed, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (printed, errors) == ("", f"metaclip-curate: {word}\n")
    assert process.returncode == status
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
