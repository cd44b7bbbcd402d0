"""docs/json.md has the form of what each command prints with --json."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from metaclip_curate.cli import main
from metaclip_curate.commands.program import make_parser
from metaclip_curate.commands.summary import summaries
from metaclip_curate.errors import JobFailedError
from metaclip_curate.images.outcome import outcome_of
from metaclip_curate.options.stages import STAGE_NAMES
from metaclip_curate.run.folder import RunFolder
from tests.conftest import ROOT
from tests.support import downloads

TEXT = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
FORMS: dict[str, Any] = {
    name.strip(): json.loads(block)
    for names, block in re.findall(r"^## ([^\n]+)\n[^#]*?^```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    for name in names.split(",")
}
ERROR = json.loads(re.findall(r"^```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[0])
TYPES: dict[str, Any] = {
    "text": str,
    "integer": int,
    "number": (int, float),
    "true or false": bool,
    "object": dict,
    "any": object,
}


def faults(form: Any, value: Any, at: str = "value") -> list[str]:
    """How a value differs from the form that the document has."""
    if isinstance(form, str):
        kind = form.removesuffix(" or null")
        fits = (form != kind and value is None) or (
            isinstance(value, TYPES[kind]) and (kind in ("true or false", "any") or not isinstance(value, bool))
        )
        return [] if fits else [f"{at} is {value!r}, not {form}"]
    if isinstance(form, list):
        if not isinstance(value, list):
            return [f"{at} isn't a list"]
        return [fault for number, each in enumerate(value) for fault in faults(form[0], each, f"{at}[{number}]")]
    if not isinstance(value, dict):
        return [f"{at} isn't an object"]
    [first, *_] = form
    if first.startswith("<"):
        return [fault for name, each in value.items() for fault in faults(form[first], each, f"{at}.{name}")]
    known = {name.removesuffix("?"): each for name, each in form.items()}
    found = [f"{at} has {name}" for name in value.keys() - known.keys()]
    found += [f"{at} lacks {name}" for name in form if not name.endswith("?") and name not in value]
    return found + [
        fault for name, each in value.items() if name in known for fault in faults(known[name], each, f"{at}.{name}")
    ]


def printed(capsys: pytest.CaptureFixture[str], *words: object, status: int = 0) -> Any:
    capsys.readouterr()
    assert main([*map(str, words), "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_a_value_that_differs_from_its_form_is_found() -> None:
    form = {"a": "integer", "b?": ["text or null"], "c": {"<name>": "true or false"}}
    assert faults(form, {"a": 1, "c": {"x": True}, "b": [None, "y"]}) == []
    assert len(faults(form, {"a": True, "b": [1], "c": {"x": 0}, "d": 1})) == 4
    assert faults(form, {"a": 1}) == ["value lacks c"]


def test_every_command_with_the_option_is_documented() -> None:
    parser = make_parser("metaclip-curate")
    having = set()
    for name, command in parser.subparsers().items():
        for below, each in (command.subparsers() or {"": command}).items():
            if "--json" in each.format_help():
                having.add(f"{name} {below}".strip())
    assert FORMS.keys() == having
    assert len(having) >= 16


def test_plans_and_lists(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert faults(FORMS["plan"], printed(capsys, "plan", "--crawl", "CC-MAIN-2025-30", "--cores", 64)) == []
    (tmp_path / "en.txt").write_text("a\nb\n")
    assert faults(FORMS["metadata show"], printed(capsys, "metadata", "show", "--metadata", tmp_path)) == []


def test_a_download() -> None:
    shard = {"count": 3, "status_dict": {"success": 1, "HTTP Error 404: Not Found": 2}}
    assert faults(FORMS["download"], dataclasses.asdict(outcome_of([shard], 1))) == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["browse", "--run", "nowhere", "--language", "en"], "nowhere has no finished stage"),
        (["plan", "--cores", "many"], "--cores"),
        (["plan", "--coers", "8"], "did you mean --cores?"),
    ],
)
def test_a_mistake_is_an_object_too(capsys: pytest.CaptureFixture[str], words: list[str], part: str) -> None:
    try:
        status = main([*words, "--json"])
    except SystemExit as end:
        status = int(str(end.code))
    out, errors = capsys.readouterr()
    found = json.loads(out)
    assert faults(ERROR, found) == []
    assert (status, found["status"]) == (2, 2)
    assert part in found["error"]
    assert part in errors


def test_a_job_that_failed_has_its_result(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object, **named: object) -> None:
        error = JobFailedError("3 of 4 input files failed")
        error.result = {"extract": {}}
        raise error

    monkeypatch.setattr("metaclip_curate.run.finished.open_finished", fail)
    found = printed(capsys, "browse", "--run", "x", "--language", "en", status=1)
    assert found == {"error": "3 of 4 input files failed", "status": 1, "result": {"extract": {}}}


@pytest.mark.spark
def test_commands_that_read_a_run(real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stages = summaries(RunFolder(str(real)), STAGE_NAMES)
    assert faults(FORMS["run"], stages) == []
    assert stages["sample"]["languages"]
    rows = pq.read_table(real / "manifest").to_pylist()
    for name, words in {
        "explain": ["--uid", rows[0]["uid"]],
        "browse": ["--language", "en"],
        "threshold": ["--target-pairs", len(rows) // 2],
        "export": ["--format", "metaclip", "--output", tmp_path / "export"],
    }.items():
        assert faults(FORMS[name], printed(capsys, name, "--run", real, *words)) == []
    images = tmp_path / "images"
    downloads.write(images, [downloads.sample(row, number, "success", "") for number, row in enumerate(rows[9:])])
    again = ["--run", real, "--downloaded", images, "--output", tmp_path / "again", "--t", 8]
    assert faults(FORMS["rebalance"], printed(capsys, "rebalance", *again)) == []
    found = printed(capsys, "compare", real, tmp_path / "again")
    assert faults(FORMS["compare"], found) == []
    assert found["pairs"]
    assert found["differences"]
