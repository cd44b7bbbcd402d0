"""The archive, and the command from it, without a cluster."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.support.applications import Site

pytestmark = pytest.mark.cluster


def test_what_is_packaged(site: Site) -> None:
    dist = site.archive.parent
    assert len(list(dist.glob("metaclip_curate-*.whl"))) == 1
    assert {path.name for path in (dist / "jobs").iterdir()} == {path.name for path in (ROOT / "jobs").glob("*.py")}
    about = json.loads((site.folder / "driver" / "environment.json").read_text())
    assert not {"pyspark", "py4j"} & about["packages"].keys()
    pins = (dist / "requirements.txt").read_text().split()
    assert pins == [f"{name}=={one}" for name, one in about["packages"].items() if name != "metaclip-curate"]
    for name in ("jobs/run.py", "bin/python", "bin/metaclip-curate"):
        assert (site.folder / "driver" / name).exists()


def test_it_holds_no_path_of_where_it_was_made(site: Site) -> None:
    driver = site.folder / "driver"
    links = [path for path in driver.rglob("*") if path.is_symlink()]
    assert len(links) >= 2  # python and python3
    for path in links:
        assert not path.readlink().is_absolute(), path
    texts = [path for path in (driver / "bin").iterdir() if not path.name.startswith("python")]
    assert texts
    for path in texts:
        assert sys.prefix not in path.read_text(), path


def test_it_runs_where_nothing_else_is(site: Site) -> None:
    command = site.folder / "driver" / "bin" / "metaclip-curate"
    for given, said in (["--version"], "metaclip-curate "), (["run", "--help"], "--input"):
        answer = subprocess.run([command, *given], env={}, cwd="/", capture_output=True, text=True, check=True)
        assert said in answer.stdout


def test_status_tells_of_master_and_workers(site: Site) -> None:
    command = [sys.executable, "-m", "deploy.standalone", "status", str(site.cluster.folder)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("master") and site.master.url in lines[0]
    assert lines[1] == "  workers 2, cores 0 of 2 in use"
    assert [line.split()[0] for line in lines[2:]] == ["worker-0", "worker-1"]


def test_a_second_master_in_the_folder_is_refused(site: Site) -> None:
    command = [sys.executable, "-m", "deploy.standalone", "start-master", str(site.cluster.folder)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stderr.startswith("standalone: a master is already running")
