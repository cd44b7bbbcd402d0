"""Inputs that failed are read again, and the run then equals one in which nothing failed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from metaclip_curate.extract.input_stats import BROKE_OFF
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.pipelines.options import Options
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.storage import StorageOptions
from tests.support import runs
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.worker_http import http

__all__ = ["http"]

Rows = list[dict[str, Any]]
STORAGE = StorageOptions(read_timeout=5, max_attempts=1)
MIDDLE = 90_000


def extract(output: Path, listed: Path, retry: bool = False) -> tuple[Rows, Rows]:
    given = runs.options(
        output, [f"@{listed}"], output, files_per_round=2, max_failed_inputs=1.0, retry_failed=retry
    ).extract
    Pipeline(Options(run=RunOptions(output=str(output)), storage=STORAGE, extract=given), log=lambda _: None).extract()
    return runs.table(output, "pairs"), runs.table(output, "inputs")


def test_a_run_whose_failed_inputs_are_read_again_equals_an_undisturbed_one(
    tmp_path: Path, mini_wats: list[Path], http: FaultyHTTPServer
) -> None:
    first, second = (path.read_bytes() for path in mini_wats[:2])
    down, short = [Fault(status=503)], [Fault(after=MIDDLE, ending="reset")]
    damaged = first[: len(first) * 2 // 3]
    urls = [
        http.add("/down.warc.wat.gz", first, down),
        http.add("/whole.warc.wat.gz", second, []),
        http.add("/short.warc.wat.gz", second, short),
        http.add("/damaged.warc.wat.gz", damaged, []),
        http.add("/still-down.warc.wat.gz", first, [*down, *down]),
        http.add("/shorter.warc.wat.gz", first, [*short, Fault(after=100, ending="reset")]),
    ]
    listed = tmp_path / "inputs.txt"
    listed.write_text("\n".join(urls))
    output = tmp_path / "run"
    _, inputs = extract(output, listed)
    by_path = {row["path"]: row for row in inputs}
    assert [by_path[url]["status"] for url in urls] == ["failed", "ok", "partial", "partial", "failed", "partial"]
    assert [url for url in urls if by_path[url]["error"].startswith(BROKE_OFF)] == [urls[2], urls[5]]
    before = RunFolder(str(output)).fingerprint("extract")

    _, inputs = extract(output, listed, retry=True)
    by_path = {row["path"]: row for row in inputs}
    assert [by_path[url]["status"] for url in urls] == ["ok", "ok", "ok", "partial", "failed", "partial"]
    assert by_path[urls[5]]["bytes_read"] == MIDDLE  # it was read again, and less came
    assert RunFolder(str(output)).fingerprint("extract") != before

    found = extract(output, listed, retry=True)
    asked = [len(http.asked(f"/{name}.warc.wat.gz")) for name in ("down", "whole", "short", "damaged", "still-down")]
    assert asked == [2, 1, 2, 1, 3]
    assert found == extract(tmp_path / "undisturbed", listed)
    folder = RunFolder(str(output))
    for table in ("pairs", "inputs"):
        assert {path.name for path in (output / table).iterdir()} == set(folder.parts("extract"))


def test_later_stages_follow_what_was_read_again(tmp_path: Path, mini_wats: list[Path], http: FaultyHTTPServer) -> None:
    """A run that went to its end without some inputs, and again with them, equals one that had all at once."""
    metadata = tmp_path / "metadata"
    runs.write_metadata_for(mini_wats, metadata, languages=runs.FEW_LANGUAGES)
    first, second = (path.read_bytes() for path in mini_wats[:2])
    down, short = Fault(status=503), Fault(after=MIDDLE, ending="reset")
    urls = [
        http.add("/down.warc.wat.gz", first, [down]),
        http.add("/short.warc.wat.gz", second, [short]),
    ]
    listed = tmp_path / "inputs.txt"
    listed.write_text("\n".join(urls))

    def run(output: Path, **given: bool) -> dict[str, Rows]:
        options = runs.options(output, [f"@{listed}"], metadata, max_failed_inputs=1.0, **given)
        Pipeline(replace(options, storage=STORAGE), log=lambda _: None).run()
        return runs.tables(output)

    without = run(tmp_path / "run")
    again = run(tmp_path / "run", retry_failed=True)
    undisturbed = run(tmp_path / "undisturbed")
    assert len(without["matched"]) < len(again["matched"])
    assert again == undisturbed
