"""The advice for a package that is missing names what can be installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from metaclip_curate.errors import install_extra

REPOSITORY = Path(__file__).parents[1]
_PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
# As text, since some of these modules import what isn't installed here.
_SOURCES = {
    path: path.read_text() for folder in ("metaclip_curate", "deploy") for path in (REPOSITORY / folder).rglob("*.py")
}


def test_advice_for_an_extra_names_the_clone_and_the_wheel() -> None:
    assert install_extra("trainer,hub") == (
        "run `pip install --editable '.[trainer,hub]'` in the clone, "
        "or `pip install 'metaclip_curate-0.1.0-py3-none-any.whl[trainer,hub]'`"
    )


def test_every_extra_in_a_message_exists() -> None:
    named = {name for text in _SOURCES.values() for name in re.findall(r"""install_extra\(["']([^"']+)["']\)""", text)}
    assert {"local", "explore", "images", "trainer,hub"} <= named
    assert {extra for name in named for extra in name.split(",")} <= set(_PROJECT["optional-dependencies"])


def test_no_message_installs_from_an_index_which_does_not_have_the_package() -> None:
    assert [str(path) for path, text in _SOURCES.items() if "metaclip-curate[" in text] == []
