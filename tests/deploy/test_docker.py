"""The recipe of the images and the dev container, as far as they can be checked without a Docker engine."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import ROOT

_DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
_STAGES = {part.split()[2]: part for part in re.split(r"^FROM ", _DOCKERFILE, flags=re.MULTILINE)[1:]}


def test_there_is_an_image_for_each_way_to_run() -> None:
    assert list(_STAGES) == ["emr-serverless", "dataproc-serverless", "local"]


@pytest.mark.parametrize("stage", _STAGES)
def test_an_image_names_its_base_and_runs_as_a_plain_user(stage: str) -> None:
    base = _STAGES[stage].split()[0]
    assert ":" in base.rpartition("/")[2], "without a tag, any version would be taken"
    users = re.findall(r"^USER (\S+)", _STAGES[stage], re.MULTILINE)
    user = users[-1].split(":")[0]
    # Amazon's image has hadoop; the others make theirs.
    assert user == "hadoop" or f"useradd -u {user} " in _STAGES[stage]
    assert not re.search(r"(?i)password|secret|token|access_key", _STAGES[stage])


def test_the_dev_container_calls_a_target_that_exists() -> None:
    described = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    program, target = described["postCreateCommand"].split()
    assert program == "make"
    assert f"\n{target}: " in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert described["remoteUser"] != "root"
