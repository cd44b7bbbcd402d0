"""The command line: options from dataclasses, and what a user's mistake gets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metaclip_curate import java
from metaclip_curate.cli import main
from metaclip_curate.errors import UserError
from tests.conftest import ROOT


@pytest.fixture()
def metadata(tmp_path: Path) -> Path:
    folder = tmp_path / "metadata"
    folder.mkdir()
    (folder / "en.json").write_text('["a"]')
    return folder


def run(mini_wats: list[Path], metadata: Path | str, output: Path | str, *more: str) -> int:
    given = ["run", "--input", *map(str, mini_wats), "--metadata", str(metadata), "--output", str(output), *more]
    return main(given)


def assert_one_sentence(capsys: pytest.CaptureFixture[str], *parts: str) -> None:
    printed = capsys.readouterr().err.strip()
    assert printed.startswith("metaclip-curate: ")
    assert "\n" not in printed
    assert "Traceback" not in printed
    for part in parts:
        assert part in printed


def test_a_missing_input(tmp_path: Path, metadata: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--input", "gone.wat.gz", "--metadata", str(metadata), "--output", str(tmp_path / "o")]) == 2
    assert_one_sentence(capsys, "gone.wat.gz")
    assert not (tmp_path / "o").exists()


def test_an_empty_folder(tmp_path: Path, metadata: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert run([tmp_path / "empty"], metadata, tmp_path / "o") == 2
    assert_one_sentence(capsys, "empty")
    assert not (tmp_path / "o").exists()


def test_metadata_without_the_anchor(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(mini_wats, metadata, tmp_path / "o", "--anchor-language", "de") == 2
    assert_one_sentence(capsys, "anchor language de", "de.json", "--same-t")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("content", ["[1]", "[", '{"a": 1}', '["\\ud800"]'])
def test_malformed_metadata(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (metadata / "de.json").write_text(content)
    assert run(mini_wats, metadata, tmp_path / "o") == 2
    assert_one_sentence(capsys, "de.json")
    assert not (tmp_path / "o").exists()


def test_an_output_that_cannot_be_written(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    assert run(mini_wats, metadata, tmp_path / "file" / "o") == 2
    assert_one_sentence(capsys, str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "x"


def test_a_missing_language_model(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(mini_wats, metadata, tmp_path / "o", "--lid-model", "gone.bin") == 2
    assert_one_sentence(capsys, "gone.bin")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--t", "0"], "--t"),
        (["--tail-share", "2"], "--tail-share"),
        (["--same-t", "--tail-share", "0.1"], "--same-t"),
        (["--seed", "-1"], "--seed"),
        (["--rows-per-file", "15000"], "--rows-per-file"),
        (["--languages", "xx"], "xx"),
        (["--dedup-passes", "0"], "--dedup-passes"),
        (["--max-failed-inputs", "2"], "--max-failed-inputs"),
    ],
)
def test_options_out_of_range(
    tmp_path: Path,
    metadata: Path,
    mini_wats: list[Path],
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    part: str,
) -> None:
    assert run(mini_wats, metadata, tmp_path / "o", *more) == 2
    assert_one_sentence(capsys, part)
    assert not (tmp_path / "o").exists()


def test_a_stage_before_its_time(tmp_path: Path, metadata: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", "--metadata", str(metadata), "--output", str(tmp_path / "o")]) == 2
    assert_one_sentence(capsys, "metaclip-curate extract")


def test_a_damaged_run_json(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "run.json").write_text("{")
    assert run(mini_wats, metadata, tmp_path / "o") == 2
    assert_one_sentence(capsys, "run.json")


@pytest.mark.parametrize(
    ("version", "usable"), [("1.8.0_312", False), ("11.0.2", False), ("17.0.15", True), ("21", True)]
)
def test_a_java_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, usable: bool) -> None:
    binary = tmp_path / "bin" / "java"
    binary.parent.mkdir()
    binary.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    binary.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if usable:
        assert java.find_java_home("4.0.0") == str(tmp_path)
        return
    with pytest.raises(UserError, match=r"is Java \d+, older than 17.*JAVA_HOME"):
        java.find_java_home("4.0.0")


def test_spark_3_needs_java_17(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "bin" / "java"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n")
    binary.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UserError, match="newer than"):
        java.find_java_home("3.5.9")


@pytest.mark.parametrize("command", ["run", "extract", "match", "count", "balance", "sample"])
def test_every_stage_has_a_command_and_a_script(command: str) -> None:
    answer = subprocess.run(
        [sys.executable, str(ROOT / "jobs" / f"{command}.py"), "--help"], capture_output=True, text=True, check=True
    )
    assert f" {command} " in answer.stdout


def test_the_library_needs_no_spark() -> None:
    modules = ["extract", "language", "matching", "balance", "storage", "schemas", "metadata.folder", "cli", "pipeline"]
    imports = "; ".join(f"import metaclip_curate.{name}" for name in modules)
    found = "print([name for name in sys.modules if name.startswith(('pyspark', 'py4j', 'torch'))])"
    script = f"import sys; {imports}; {found}"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []
