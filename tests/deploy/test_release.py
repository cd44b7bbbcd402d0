"""A version is packaged only if the files that name it agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.packaging.release import check_version
from metaclip_curate import __version__
from metaclip_curate.errors import UserError
from tests.conftest import ROOT


def write_files(root: Path, heading: str, cited: str) -> None:
    (root / "CHANGELOG.md").write_text(f"# Changes\n\n{heading}\n\n- One change.\n")
    (root / "CITATION.cff").write_text(f"cff-version: 1.2.0\nversion: {cited}\n")


def test_this_version_can_be_packaged() -> None:
    check_version(ROOT, __version__)


@pytest.mark.parametrize("heading", ["## 0.2.0", "## 0.2.0 (unreleased)"])
def test_a_heading(tmp_path: Path, heading: str) -> None:
    write_files(tmp_path, heading, "0.2.0")
    check_version(tmp_path, "0.2.0")
    with pytest.raises(UserError, match=r"CHANGELOG\.md has no heading for version 0\.2\.1: add `## 0\.2\.1`"):
        check_version(tmp_path, "0.2.1")


def test_another_version_is_cited(tmp_path: Path) -> None:
    write_files(tmp_path, "## 0.2.0", "0.1.0")
    with pytest.raises(UserError, match=r"CITATION\.cff names version 0\.1\.0: write `version: 0\.2\.0`"):
        check_version(tmp_path, "0.2.0")
