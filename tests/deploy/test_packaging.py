"""The parts of packaging that need no cluster."""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from deploy.packaging.archive import write_archive
from deploy.packaging.closure import SPARKS, required_distributions
from deploy.packaging.wheel import build_wheel
from metaclip_curate.errors import UserError
from tests.conftest import ROOT


def project(folder: Path, *requirements: str, extras: tuple[str, ...] = ()) -> PathDistribution:
    """A distribution that asks for something."""
    metadata = folder / "made-1.dist-info" / "METADATA"
    metadata.parent.mkdir()
    lines = ["Metadata-Version: 2.1", "Name: made", "Version: 1"]
    lines += [f"Provides-Extra: {name}" for name in extras] + [f"Requires-Dist: {text}" for text in requirements]
    metadata.write_text("\n".join(lines))
    return PathDistribution(metadata.parent)


def test_what_is_needed_is_followed_to_its_end(tmp_path: Path) -> None:
    asked = project(tmp_path, "boto3>=1", "absent; python_version < '3'", "absent; extra == 'more'", extras=("more",))
    names = [one.name.lower() for one in required_distributions(asked, ())]
    assert names == sorted(names)
    assert {"boto3", "botocore", "s3transfer", "urllib3"} <= set(names)
    with pytest.raises(UserError, match="absent"):
        required_distributions(asked, ("more",))
    with pytest.raises(UserError, match="no extra other"):
        required_distributions(asked, ("other",))


@pytest.mark.parametrize(
    ("requirement", "message"), [("numpy<1", "numpy<1 is required"), ("pyspark", "which the cluster provides")]
)
def test_what_does_not_fit_is_said(tmp_path: Path, requirement: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        required_distributions(project(tmp_path, requirement), ())
    assert "pyspark" in SPARKS


def test_an_archive_depends_on_content_alone(tmp_path: Path) -> None:
    digests = []
    for number, order in enumerate((("b", "a"), ("a", "b"))):
        folder = tmp_path / str(number)
        for name in order:
            (folder / name).mkdir(parents=True)
            (folder / name / "file").write_text(name)
            os.utime(folder / name / "file", (number, number))
        (folder / "link").symlink_to("a/file")
        (folder / "a" / "file").chmod(0o700 + number)
        write_archive(folder, tmp_path / f"{number}.tar.gz")
        digests.append(hashlib.sha256((tmp_path / f"{number}.tar.gz").read_bytes()).hexdigest())
    assert digests[0] == digests[1]
    with tarfile.open(tmp_path / "0.tar.gz") as packed:
        assert packed.getnames() == ["a", "a/file", "b", "b/file", "link"]
        assert {member.name: member.mode for member in packed}["a/file"] == 0o755


@pytest.mark.slow
def test_the_wheel_has_the_data_and_is_the_same_twice(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first, second = (build_wheel(ROOT, tmp_path / name) for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as opened:
        names = set(opened.namelist())
        data = "metaclip_curate/metadata/data"
        assert opened.read(f"{data}/languages.csv") == (ROOT / "metadata" / "languages.csv").read_bytes()
    shipped = {path.name for path in (ROOT / "metadata" / "starter").iterdir()}
    assert {f"{data}/starter/{name}" for name in shipped} <= names
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "metaclip_curate").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources


def test_every_source_of_the_images_is_something_that_is_packaged() -> None:
    written = {"requirements.txt", "metaclip_curate-*.whl", "jobs"}
    text = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    copied = [sources.split()[:-1] for sources in re.findall(r"^COPY (.*)$", text, re.MULTILINE)]
    assert {source for sources in copied for source in sources} == written
