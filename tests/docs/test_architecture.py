"""docs/architecture.md names every room, and no room or module that doesn't exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "metaclip_curate"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_every_room_has_a_row_and_every_row_is_a_room() -> None:
    assert set(re.findall(r"^\| `(\w+)/` \|", PAGE, re.MULTILINE)) == ROOMS


def test_every_part_of_a_room_is_named_in_its_row() -> None:
    rows = dict(re.findall(r"^\| `(\w+)/` \| (.*) \|$", PAGE, re.MULTILINE))
    for part in sorted(PACKAGE.glob("*/*/__init__.py")):
        room, name = part.parent.parent.name, part.parent.name
        assert f"`{name}`" in rows[room], f"{room}/{name}"


def test_every_module_beside_the_rooms_is_named() -> None:
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    assert {module for module in modules if f"`{module}`" in PAGE} == modules
    assert len(modules) < 10


def test_modules_that_are_named_exist() -> None:
    named = set(re.findall(r"`(\w+\.py)`", PAGE))
    existing = {path.name for path in PACKAGE.rglob("*.py")}
    assert len(named) > 5
    assert named <= existing


def test_the_order_of_imports_is_the_one_that_is_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = [layer.replace(":", " ").split() for layer in settings["contracts"][0]["layers"]]
    block = PAGE[PAGE.index("    __main__\n") :].partition("\n\n")[0]
    assert [line.split() for line in block.splitlines()] == layers


def test_folders_beside_the_package_exist() -> None:
    block = PAGE[PAGE.index("Outside the package:") :].partition("\n\n")[2].partition("\n\n")[0]
    folders = re.findall(r"^    (\w+)/ ", block, re.MULTILINE)
    assert len(folders) > 5
    assert [folder for folder in folders if not Path(ROOT, folder).is_dir()] == []
