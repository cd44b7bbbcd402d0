"""Pages that are chosen by a columnar index and read by Range, through the stage extract, over HTTP and S3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.pipelines.options import Options
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.s3_client import forget_clients
from tests.support import runs
from tests.support.made_crawl import CRAWL, Capture, MadeCrawl, made_crawl, page
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.fixtures import s3_process, s3_server
from tests.support.servers.s3 import S3Server
from tests.support.servers.worker_http import http

__all__ = ["http", "s3_process", "s3_server"]

Rows = list[dict[str, Any]]
FAR = 2 << 20  # more than the gap over which one request pays off


def captures() -> list[Capture]:
    return [
        *(Capture(page(f"https://www.nation.co.ke/{n}"), "swa,eng", warc=n % 2) for n in range(6)),
        *(Capture(page(f"https://example.org/{n}"), "eng", warc=n % 3) for n in range(6)),
        *(Capture(page(f"https://hausa.ng/{n}"), "hau", warc=2) for n in range(2)),
    ]


@pytest.fixture(scope="module")
def crawl() -> MadeCrawl:
    return made_crawl(captures(), index_files=2, gap=1000)


def served(server: FaultyHTTPServer, crawl: MadeCrawl) -> StorageOptions:
    for path, data in crawl.files.items():
        server.add(f"/{path}", data)
    return StorageOptions(cc_base=server.url, read_timeout=5, max_attempts=2)


def extract(output: Path, options: StorageOptions, seed: int = 0, **given: Any) -> tuple[Rows, Rows, list[str]]:
    """Extracts, and returns the pairs, the inputs and what was logged."""
    chosen = ExtractOptions(input=(f"cc-index:{CRAWL}",), max_failed_inputs=1.0, **given)
    log: list[str] = []
    run = Options(run=RunOptions(output=str(output)), storage=options, extract=chosen, draw=DrawOptions(seed=seed))
    Pipeline(run, log=log.append).extract()
    return runs.table(output, "pairs"), runs.table(output, "inputs"), log


def pages_of(rows: Rows) -> set[str]:
    return {row["page_url"] for row in rows}


def warcs_asked(server: FaultyHTTPServer) -> list[str]:
    return [request.path for request in server.requests if request.path.endswith(".warc.gz")]


def test_chosen_pages_grow_and_are_chosen_once(tmp_path: Path, http: FaultyHTTPServer, crawl: MadeCrawl) -> None:
    options = served(http, crawl)
    output = tmp_path / "run"
    pairs, inputs, log = extract(output, options, index_languages=("swa",))
    assert pages_of(pairs) == {f"https://www.nation.co.ke/{n}" for n in range(6)}
    assert len(pairs) == 12
    assert {row["crawl"] for row in pairs} == {CRAWL}
    assert {row["source_file"] for row in pairs} == {row["path"] for row in inputs}
    assert [(row["status"], row["records"], row["pages"], row["pairs"]) for row in inputs] == [("ok", 3, 3, 6)] * 2
    lengths = {row["warc_filename"]: 0 for row in crawl.rows}
    for row in crawl.rows:
        lengths[row["warc_filename"]] += row["warc_record_length"] if row["content_languages"] == "swa,eng" else 0
    assert {row["path"].partition("#")[0]: row["bytes_read"] for row in inputs} == {
        k: v for k, v in lengths.items() if v
    }
    # Neighbours are read by one request, and other WARCs aren't asked for.
    assert len(warcs_asked(http)) == 2
    assert any("6 pages, in 2 WARC files" in line for line in log)

    # The same command asks for nothing again; another choice of the same WARC is another input.
    http.requests.clear()
    assert extract(output, options, index_languages=("swa",))[:2] == (pairs, inputs)
    assert http.requests == []
    pairs, more, _ = extract(output, options, index_hosts=("*.ng", "*.co.ke"))
    assert pages_of(pairs) == {f"https://www.nation.co.ke/{n}" for n in range(6)} | {
        f"https://hausa.ng/{n}" for n in range(2)
    }
    # Of two WARCs the same records were chosen as before.
    assert len(more) == len(inputs) + 1
    assert len(warcs_asked(http)) == 1


def test_a_limit_and_a_sample_don_t_depend_on_the_files(tmp_path: Path, http: FaultyHTTPServer) -> None:
    options = served(http, made_crawl(captures(), index_files=3, group_rows=2))
    few, inputs, log = extract(tmp_path / "few", options, index_limit=4, index_languages=("swa", "eng"))
    assert len(pages_of(few)) == sum(row["pages"] for row in inputs) == 4
    assert any("4 pages of 12 that match" in line for line in log)
    more, _, _ = extract(tmp_path / "more", options, index_limit=9, index_languages=("swa", "eng"))
    assert len(pages_of(more)) == 9
    assert pages_of(few) < pages_of(more)
    served(http, made_crawl(captures(), index_files=1, group_rows=20))
    assert extract(tmp_path / "one file", options, index_limit=4, index_languages=("swa", "eng"))[0] == few
    other = extract(tmp_path / "seed", options, index_limit=4, index_languages=("swa", "eng"), seed=1)[0]
    assert pages_of(other) != pages_of(few)


def test_damage_and_breaks_cost_what_they_cost_in_a_file(
    tmp_path: Path, http: FaultyHTTPServer, crawl: MadeCrawl
) -> None:
    swahili = [row for row in crawl.rows if row["content_languages"] == "swa,eng"]
    damaged = swahili[0]
    files = dict(crawl.files)
    warc = bytearray(files[damaged["warc_filename"]])
    middle = damaged["warc_record_offset"] + damaged["warc_record_length"] // 2
    warc[middle : middle + 20] = bytes(20)
    files[damaged["warc_filename"]] = bytes(warc)
    options = served(http, MadeCrawl(files, crawl.rows, crawl.index_paths))
    down = next(row["warc_filename"] for row in swahili if row["warc_filename"] != damaged["warc_filename"])
    http.fail(f"/{down}", *[Fault(status=503)] * 2)

    pairs, inputs, _ = extract(tmp_path / "run", options, index_languages=("swa",))
    by_warc = {row["path"].partition("#")[0]: row for row in inputs}
    assert by_warc[down]["status"] == "failed"
    row = by_warc[damaged["warc_filename"]]
    assert (row["status"], row["records"], row["records_skipped"], row["pages"]) == ("partial", 2, 1, 2)
    assert damaged["url"] not in pages_of(pairs)

    # Any command of the folder reads the failed ones again, from the records that were chosen.
    http.requests.clear()
    pairs, inputs, _ = extract(tmp_path / "run", options, index_hosts=("*.ng",), retry_failed=True)
    assert {row["path"].partition("#")[0]: row["status"] for row in inputs if row["records"] != 2} == {down: "ok"}
    assert pages_of(pairs) == {row["url"] for row in swahili if row is not damaged} | {
        f"https://hausa.ng/{n}" for n in range(2)
    }
    assert damaged["warc_filename"] not in "".join(warcs_asked(http))


def test_what_can_t_be_chosen(tmp_path: Path, http: FaultyHTTPServer, crawl: MadeCrawl) -> None:
    options = served(http, crawl)
    with pytest.raises(UserError, match=rf"^--index-languages fra chooses no page of {CRAWL}: give others$"):
        extract(tmp_path / "run", options, index_languages=("fra",))
    http.fail(f"/{crawl.index_paths[1]}", *[Fault(status=500)] * 2)
    with pytest.raises(JobFailedError, match=r"1 of 2 files of the index can't be read.*HTTP 500.*give the same"):
        extract(tmp_path / "run", options, index_languages=("swa",))
    assert len(pages_of(extract(tmp_path / "run", options, index_languages=("swa",))[0])) == 6


def test_pages_from_s3(tmp_path: Path, spark: SparkSession, s3_server: S3Server) -> None:
    crawl = made_crawl(captures(), gap=FAR)
    s3_server.put("commoncrawl", crawl.files)
    forget_clients()
    before = dict(spark.sparkContext.environment)
    with FaultyHTTPServer(upstream=s3_server.url) as between:
        options = StorageOptions(
            cc_base="s3://commoncrawl", s3_endpoint_url=between.url, read_timeout=10, max_attempts=3
        )
        spark.sparkContext.environment.update(s3_server.owner.environment(), no_proxy="127.0.0.1")
        try:
            pairs, inputs, _ = extract(tmp_path / "run", options, index_hosts=("*.ke",))
        finally:
            spark.sparkContext.environment.clear()
            spark.sparkContext.environment.update(before)
    assert pages_of(pairs) == {f"https://www.nation.co.ke/{n}" for n in range(6)}
    assert [row["records"] for row in inputs] == [3, 3]
    ranges = [request.headers["range"] for request in between.requests if request.path.endswith(".warc.gz")]
    assert len(ranges) == 6  # 2 MiB lie between two records
    assert between.sent < 1 << 20 < 6 * FAR
