"""spark-submit of a script gives bit for bit what the command gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from metaclip_curate.cli import main
from metaclip_curate.spark.java import find_java_home
from tests.conftest import ROOT
from tests.support import quick_spark, runs

pytestmark = pytest.mark.usefixtures("spark")


def test_spark_submit_equals_the_command(tmp_path: Path, mini_wats: list[Path]) -> None:
    metadata = tmp_path / "metadata"
    runs.write_metadata_for(mini_wats, metadata, languages=runs.FEW_LANGUAGES)
    given = ["--input", *map(str, mini_wats), "--metadata", str(metadata), "--t", "20", "--seed", "3", "--no-report"]
    command, script = tmp_path / "command", tmp_path / "script"
    assert main(["run", *given, "--output", str(command)]) == 0

    home = find_java_home(pyspark.__version__)
    environment = os.environ | ({"JAVA_HOME": home} if home else {}) | {"PYSPARK_PYTHON": sys.executable}
    # Spark's settings are the script's own, and other ones than the command's, which nothing depends on.
    submit = [str(Path(sys.executable).parent / "spark-submit"), "--master", "local[2]"]
    submit += ["--conf", "spark.sql.shuffle.partitions=7", "--conf", "spark.driver.bindAddress=127.0.0.1"]
    submit += ["--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1"]
    submit += ["--driver-java-options", quick_spark.java_options()]
    submit += [str(ROOT / "jobs" / "run.py"), *given, "--output", str(script)]
    answer = subprocess.run(submit, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr

    assert runs.tables(script) == runs.tables(command)
    ours, theirs = sorted((script / "manifest").iterdir()), sorted((command / "manifest").iterdir())
    assert [path.name for path in ours] == [path.name for path in theirs]
    assert [path.read_bytes() for path in ours] == [path.read_bytes() for path in theirs]
    cards = [json.loads((output / "datacard.json").read_text()) for output in (script, command)]
    assert [card.pop("command").split()[:2] for card in cards] == [["metaclip-curate", "run"]] * 2
    assert cards[0] == cards[1]
    # Its output is the command's, without a word of Spark's among it.
    assert answer.stdout.splitlines()[-1].startswith("  fetch the images ")
    # Spark's level is INFO until the session begins: some lines, and not thousands.
    assert answer.stderr.count(" INFO ") < 100, answer.stderr
    assert str(script / "manifest") in answer.stdout
