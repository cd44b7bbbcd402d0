"""What must agree before a version is packaged."""

from __future__ import annotations

import re
from pathlib import Path

from metaclip_curate.errors import UserError


def check_version(root: Path, version: str) -> None:
    """Checks that the files which name a version name this one.

    Args:
        root: The project.
        version: The package's version.

    Raises:
        UserError: CHANGELOG.md has no heading for the version, or CITATION.cff has another one.
    """
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## {re.escape(version)}( \(unreleased\))?$", changes, re.MULTILINE):
        raise UserError(f"CHANGELOG.md has no heading for version {version}: add `## {version}` with what has changed")
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    cited = re.search(r"^version: (.*)$", citation, re.MULTILINE)
    if cited is None or cited[1] != version:
        raise UserError(f"CITATION.cff names version {cited[1] if cited else 'none'}: write `version: {version}`")
