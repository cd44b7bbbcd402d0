"""A package as `make package` writes it, small metadata, and the options of a deployment."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.cluster.clouds.monitor import Monitor
from metaclip_curate.cluster.clouds.service_run import ServiceRun
from metaclip_curate.cluster.clouds.services import service_run
from metaclip_curate.commands.deploy import STAGES
from metaclip_curate.commands.program import make_parser
from tests.conftest import ROOT

MakeRun = Callable[..., ServiceRun[Any]]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The folder of a package, its archive a few bytes."""
    folder = tmp_path / "dist"
    shutil.copytree(ROOT / "jobs", folder / "jobs")
    shutil.copyfile(ROOT / "deploy" / "spark-defaults.conf", folder / "spark-defaults.conf")
    (folder / "metaclip-curate-0.1.0-cp311-linux_x86_64.tar.gz").write_bytes(b"an archive")
    return folder


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    """A metadata folder of two lists."""
    folder = tmp_path / "metadata"
    folder.mkdir()
    (folder / "en.txt").write_text("cat\ndog\nbird\n")
    (folder / "de.txt").write_text("Katze\n")
    return folder


@pytest.fixture
def make_run(package: Path, metadata: Path) -> MakeRun:
    """Makes a run from a service and further arguments, as the command line does."""

    def make(service: str, *arguments: str, monitor: Monitor | None = None) -> ServiceRun[Any]:
        common = ["--package", str(package), "--metadata", str(metadata), "--cores", "64"]
        parsed = make_parser("metaclip-curate").parse_args(["deploy", service, *common, *arguments])
        run = service_run(service, parsed.command.given(parsed), STAGES)
        if monitor is not None:
            run.monitor = monitor
        return run

    return make
