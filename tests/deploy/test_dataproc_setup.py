"""The commands that set up a Google project, told without a project."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

SETUP = ROOT / "deploy" / "dataproc" / "setup.sh"
_STUB = """#!/bin/sh
echo "$@" >> "$CALLS"
case " $* " in *" describe "*) exit "$MISSING" ;; esac
"""


def run(tmp_path: Path, *arguments: str, missing: str = "1") -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Runs the script with a gcloud that notes what it is asked; `missing` is what it answers to describe."""
    (tmp_path / "gcloud").write_text(_STUB)
    (tmp_path / "gcloud").chmod(0o755)
    calls = tmp_path / "calls"
    calls.write_text("")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls), "MISSING": missing}
    done = subprocess.run(["bash", SETUP, *arguments], env=environment, capture_output=True, text=True, check=False)
    return done, calls.read_text().splitlines()


def made(calls: list[str]) -> list[str]:
    return [call for call in calls if " create" in call]


def test_a_dry_run_asks_nobody_and_shows_all(tmp_path: Path) -> None:
    done, calls = run(tmp_path, "--dry-run", "proj", "us-central1", "bucket")
    assert (done.returncode, calls) == (0, [])
    shown = [line for line in done.stdout.splitlines() if line.startswith("gcloud")]
    assert len(shown) == 7 and len(made(shown)) == 5


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    _, calls = run(tmp_path, "proj", "us-central1", "bucket", missing="1")
    assert len(made(calls)) == 5
    _, calls = run(tmp_path, "proj", "us-central1", "bucket", missing="0")
    assert made(calls) == []


def test_the_account_is_held_to_one_bucket(tmp_path: Path) -> None:
    _, calls = run(tmp_path, "proj", "us-central1", "bucket")
    (binding,) = [call for call in calls if "add-iam-policy-binding" in call]
    assert "metaclip-curate@proj.iam.gserviceaccount.com" in binding and "--role=roles/dataproc.worker" in binding
    assert "'projects/_/buckets/bucket/'" in binding


def test_nothing_lets_anyone_in(tmp_path: Path) -> None:
    _, calls = run(tmp_path, "proj", "us-central1", "bucket")
    assert [call for call in calls if "firewall-rules create" in call and "--source-ranges=10.64.0.0/20" in call]
    assert "0.0.0.0/0" not in "\n".join(calls)


@pytest.mark.parametrize("arguments", [(), ("--dry-run", "proj"), ("a", "b", "c", "d")])
def test_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done, calls = run(tmp_path, *arguments)
    assert done.returncode == 2 and done.stderr.startswith("usage:") and not calls
