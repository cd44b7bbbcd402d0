"""The pages of docs/ do what they say: their commands are run, their Python lines checked, their options exist."""

from __future__ import annotations

import dataclasses
import doctest
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset
import pytest
from pyspark.sql import SparkSession

from metaclip_curate.cli import main
from metaclip_curate.commands.program import make_parser
from metaclip_curate.commands.reference import reference_page
from metaclip_curate.run.summaries import ExtractSummary, LanguageTotals
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> Iterator[list[str]]:
    """The metaclip-curate commands of a page, in order, continued lines put together."""
    text = page.read_text(encoding="utf-8")
    indented = "\n".join(line.strip() for line in text.splitlines() if line.startswith(("    ", "```")) or line)
    for line in indented.replace("\\\n", " ").splitlines():
        found = re.match(r"(?:\$ )?(?:\.venv/bin/)?(metaclip-curate [^#|>`]*)", line)
        if found and "`" not in line:
            yield shlex.split(found[1])[1:]


def sh_blocks(page: Path) -> Iterator[list[str]]:
    """The commands of a page's ```sh blocks."""
    for kind, body in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "sh":
            lines = body.replace("\\\n", " ").splitlines()
            yield from (shlex.split(line, comments=True) for line in lines if line.strip())


def test_the_worked_example() -> None:
    found = doctest.testfile(str(ROOT / "docs" / "concepts.md"), module_relative=False)
    assert found.attempted > 15
    assert found.failed == 0


class Reader:
    """Gives the commands of pages in one folder, as a reader would. What several pages have in common is done once.

    Args:
        folder: Folder for everything that the pages write to runs/.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._printed: dict[tuple[str, ...], str] = {}

    def printed(self, page: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
        """Runs the commands of a page; returns what each prints, by its name."""
        printed = {}
        for program, *given in sh_blocks(ROOT / page):
            if program == "make":
                continue
            assert program == "metaclip-curate"
            if tuple(given) not in self._printed:
                capsys.readouterr()
                assert main([self.located(part) for part in given]) == 0, given
                self._printed[tuple(given)] = capsys.readouterr().out
            printed[given[0]] = self._printed[tuple(given)]
        return printed

    def run_python(self, page: str) -> None:
        """Runs the Python blocks of a page, one after the other."""
        names: dict[str, Any] = {}
        for kind, body in _BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
            if kind == "python":
                exec(re.sub(r'"((?:examples|runs)/[^"]*)"', lambda found: f'"{self.located(found[1])}"', body), names)

    def located(self, part: str) -> str:
        """Workers of the session that is there have another working directory: names can't be relative."""
        if part.startswith("examples/"):
            return str(ROOT / part)
        return str(self.folder / part) if part.startswith("runs/") else part


@pytest.fixture(scope="module")
def reader(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(tmp_path_factory.mktemp("reader"))


@pytest.mark.slow
def test_the_readme(reader: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    printed = reader.printed("README.md", capsys)
    assert "kept in the manifest" in printed["run"]
    assert re.search(r"^report\.html +/\S+/report\.html$", printed["run"], re.MULTILINE)
    assert "logo" in printed["browse"]
    assert "core-hours" in printed["plan"]
    reader.run_python("README.md")
    assert "tail_share" in capsys.readouterr().out


def test_the_make_commands_of_the_readme_call_commands_that_exist() -> None:
    [lines] = [body for kind, body in _BLOCK.findall((ROOT / "README.md").read_text()) if body.startswith("make ")]
    called = []
    for line in lines.splitlines():
        shown = subprocess.run(
            [*shlex.split(line, comments=True), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        called += re.findall(r"bin/(metaclip-curate run .*|python -m pytest .*)", shown.stdout)
    assert [call.split()[0] for call in called] == ["metaclip-curate", "python"]
    make_parser("metaclip-curate").parse_args(shlex.split(called[0])[1:])


@pytest.mark.slow
def test_the_page_about_pools(reader: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    printed = reader.printed("docs/pools.md", capsys)
    assert "input files" in printed["run"]
    runs = reader.folder / "runs"
    ids = (runs / "pool-ids" / "ids.txt").read_text().splitlines()
    manifest = pyarrow.dataset.dataset(str(runs / "pool" / "manifest")).to_table()
    assert ids == manifest.column("source_id").to_pylist()
    assert len(np.load(runs / "pool-uids" / "uids.npy")) == len(ids) > 50
    # What the text promises: each form gave pairs, and the kept column is in the manifest.
    endings = {Path(name).name for name in manifest.column("source_file").to_pylist()}
    assert endings == {path.name for path in (ROOT / "examples" / "pools").iterdir()}
    assert manifest.column("aesthetic").null_count == 0


@pytest.mark.slow
def test_the_page_about_python(reader: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    reader.printed("docs/python.md", capsys)
    reader.run_python("docs/python.md")
    printed = capsys.readouterr().out
    assert "kept in the manifest" in printed
    assert printed.count("keep_probability") == 2


@pytest.mark.slow
def test_the_tutorial(reader: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    printed = reader.printed("docs/tutorial.md", capsys)
    folder = reader.folder / "runs" / "tutorial"
    assert (folder / "report.html").stat().st_size > 10_000
    assert (folder / "README.md").is_file()
    # What the text promises: a larger t loses nothing.
    totals = next(line.split() for line in printed["compare"].splitlines() if line.startswith("all "))
    assert totals[-3] == "0"
    assert int(totals[-2].replace(",", "")) > 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = make_parser("metaclip-curate")
    for command in commands(page):
        # ARGUMENT and ... stand for what a reader fills in.
        given = [part for part in command if part not in ("...", "…")]
        try:
            parser.parse_args(_filled(given))
        except SystemExit as stop:
            assert stop.code == 0, f"{page.name}: {shlex.join(command)}: {capsys.readouterr().err}"


def _filled(given: list[str]) -> list[str]:
    """Gives every option that stands without a value one, where the next word is an option too."""
    filled: list[str] = []
    for place, part in enumerate(given):
        filled.append(part)
        after = given[place + 1] if place + 1 < len(given) else ""
        if part in ("--input", "--metadata", "--output", "--run") and (not after or after.startswith("--")):
            filled.append("x")
    return filled


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_of_the_project_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    folders = "metaclip_curate|tests|docs|deploy|examples|benchmarks|jobs|metadata|\\.github|\\.ci"
    for path in re.findall(rf"(?<![\w./:-])((?:{folders})/[\w./-]*\w)", text):
        assert (ROOT / path).exists(), path


def test_what_extending_names_is_where_it_says() -> None:
    """Every `name` that stands with a module is in it."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    named = re.findall(r"`(metaclip_curate/[\w/]+\.py)`: (?:[a-z ]*)`(\w+)`", text)
    named += [(path, name) for name, path in re.findall(r"`(\w+)` (?:in|of)\s+`(metaclip_curate/[\w/]+\.py)`", text)]
    assert len(named) > 8
    for path, name in named:
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")), f"{name} in {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    for target in re.findall(r"(?:^    |`)make ([a-z0-9-]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
        assert target in targets, target


def test_the_reference_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert page == reference_page(make_parser("metaclip-curate")), "run `make reference` and commit docs/reference.md"


def test_every_command_is_in_the_reference() -> None:
    page: Any = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    for command in ("run", "extract", "sample", "threshold", "explain", "browse", "compare", "report", "datacard"):
        assert f"\n## metaclip-curate {command}\n" in page


@pytest.mark.parametrize("kind", [ExtractSummary, LanguageTotals])
def test_the_data_cards_page_explains_every_field(kind: type[Any]) -> None:
    explained = (ROOT / "docs" / "datacard.md").read_text(encoding="utf-8")
    missing = [field.name for field in dataclasses.fields(kind) if f"`{field.name}`" not in explained]
    assert missing == []
