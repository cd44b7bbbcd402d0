"""Finished runs as pytest fixtures, and ways to open and compare them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.storage import StorageOptions
from tests.support import made_run, runs

Rows = list[dict[str, Any]]
Opener = Callable[..., FinishedRun]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Rows]]:
    """A run folder of made-up pairs, and its rows."""
    root = tmp_path_factory.mktemp("made") / "run"
    return root, made_run.write_run(root, made_run.matched_rows(images=500, seed=7), t=20)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory, spark: Any, mini_wats: list[Path]) -> Path:
    """The folder of a run over the input that ships."""
    folder = tmp_path_factory.mktemp("real")
    runs.write_metadata_for(mini_wats, folder / "metadata", languages=(*runs.FEW_LANGUAGES, "el"))
    runs.run(folder / "run", mini_wats, folder / "metadata")
    return folder / "run"


def opened(root: Path, stage: str) -> FinishedRun:
    """The run that a command reads."""
    return FinishedRun(str(root), stage, StorageOptions(), RunOptions())


def contents(root: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
