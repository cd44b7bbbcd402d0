"""Commands where pyspark isn't installed: they do without it, or say so in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metaclip_curate.console.failures import NO_PYSPARK
from tests.commands.test_program import COMMANDS
from tests.support import made_run

# Hides pyspark, and gives the status and the outputs of each command line.
_SCRIPT = """
import contextlib, io, json, sys
sys.modules["pyspark"] = None
from metaclip_curate.cli import main
for words in json.load(sys.stdin):
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            status = main(words)
        except SystemExit as end:
            status = end.code
    print(json.dumps([status, out.getvalue(), errors.getvalue()]))
"""


@pytest.mark.slow
def test_commands_that_need_it_say_so_in_one_sentence(tmp_path: Path) -> None:
    root, lists = tmp_path / "run", tmp_path / "lists"
    made_run.write_run(root, made_run.matched_rows(images=20, seed=7))
    lists.mkdir()
    (lists / "en.txt").write_text("a\n")
    run, new = ["--run", str(root)], ["--output", str(tmp_path / "new")]
    wat = str(tmp_path / "a.warc.wat.gz")
    Path(wat).write_bytes(b"")
    (tmp_path / "uids.txt").write_text("0" * 32 + "\n")
    needing = {
        "run": ["--input", wat, "--metadata", str(lists), *new],
        "extract": ["--input", wat, *new],
        "dedup": ["--output", str(root)],
        "match": ["--metadata", str(lists), "--output", str(root)],
        "count": ["--metadata", str(lists), "--output", str(root)],
        "balance": ["--output", str(root)],
        "sample": ["--output", str(root)],
        "compare": [str(root), str(root)],
        "fates": run,
        "threshold": [*run, "--t", "5"],
        "rebalance": [*run, "--downloaded", str(tmp_path), *new],
        "remove": [*run, "--uid", str(tmp_path / "uids.txt"), "--reason", "none"],
        "export": [*run, "--format", "metaclip", *new],
    }
    without = {
        "explain": [*run, "--url", "https://images.example/7/0.jpg"],
        "browse": [*run, "--language", "en"],
        "report": run,
        "plan": ["--crawl", "CC-MAIN-2025-30", "--cores", "8"],
        "completion": ["bash"],
        "metadata show": ["--metadata", str(lists)],
    }
    assert needing.keys() | without.keys() <= COMMANDS.keys()
    lines = [[*name.split(), *words] for name, words in (needing | without).items()]
    ended = subprocess.run([sys.executable, "-c", _SCRIPT], input=json.dumps(lines), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    found = dict(zip(needing | without, map(json.loads, ended.stdout.splitlines()), strict=True))
    for name in needing:
        assert found[name] == [2, "", f"metaclip-curate: {NO_PYSPARK}\n"], name
    for name in without:
        assert found[name][0] == 0, (name, found[name])
        assert found[name][1], name
