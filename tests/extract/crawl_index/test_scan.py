"""What is chosen from a file of the index, and how little of it is read for that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.extract.crawl_index import CANDIDATES, IndexQuery, IndexScan, scan_file
from metaclip_curate.storage import InputError, StorageOptions
from tests.support.made_crawl import CRAWL, Capture, MadeCrawl, index_file, made_crawl, page
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.fixtures import no_proxy

__all__ = ["no_proxy"]

OPTIONS = StorageOptions(read_timeout=5, max_attempts=3)


@pytest.fixture(scope="module")
def crawl() -> MadeCrawl:
    hosts = {
        "https://www.nation.co.ke/": "swa,eng",
        "https://kenya.go.ke/": "eng",
        "https://example.org/": "hau",
        "https://de.example.org/": "deu",
        "https://notexample.org/": "swa",
        "https://example.com/": None,
    }
    captures = [Capture(page(f"{url}{n}"), languages, warc=n) for url, languages in hosts.items() for n in range(4)]
    captures.append(Capture(page("https://example.org/feed"), "swa", "application/rss+xml"))
    captures.append(Capture(page("https://example.org/x"), "swa", "application/xhtml+xml"))
    return made_crawl(captures)


def query(**given: Any) -> IndexQuery:
    options: dict[str, Any] = {"languages": (), "hosts": (), "limit": 0, "sample": 1.0, "seed": 0} | given
    return IndexQuery.parse(f"cc-index:{CRAWL}", **options)


@pytest.fixture
def chosen(crawl: MadeCrawl, tmp_path: Path) -> Any:
    file = tmp_path / "index.parquet"
    file.write_bytes(crawl.files[crawl.index_paths[0]])
    by_record = {(row["warc_filename"], row["warc_record_offset"]): row["url"] for row in crawl.rows}

    def urls(**given: Any) -> list[str]:
        rows: list[dict[str, Any]] = []
        for table in scan_file(str(file), query(**given), OPTIONS):
            assert table.schema.equals(CANDIDATES)
            rows += table.to_pylist()
        found = [by_record[row["warc_filename"], row["warc_record_offset"]] for row in rows]
        assert len(found) == len(set(found))
        return sorted(found)

    return urls


def of(*beginnings: str) -> list[str]:
    return sorted(f"https://{beginning}/{number}" for beginning in beginnings for number in range(4))


def test_languages_hosts_and_media_types(chosen: Any) -> None:
    html = "https://example.org/x"
    assert chosen(languages=["swa"]) == sorted([*of("www.nation.co.ke", "notexample.org"), html])
    assert chosen(languages=["swa", "hau"]) == sorted([*of("www.nation.co.ke", "notexample.org", "example.org"), html])
    assert chosen(hosts=["*.ke"]) == of("www.nation.co.ke", "kenya.go.ke")
    assert chosen(hosts=["*.co.ke", "EXAMPLE.org"]) == sorted(
        [*of("www.nation.co.ke", "example.org", "de.example.org"), html]
    )
    assert chosen(hosts=["*.example.org"]) == of("de.example.org")
    assert chosen(hosts=["www.nation.co.ke"]) == of("www.nation.co.ke")
    assert chosen(hosts=["*.ke"], languages=["swa"]) == of("www.nation.co.ke")
    assert chosen(hosts=["example.net"]) == chosen(languages=["fra"]) == []


def test_a_limit_and_a_sample_are_nested_and_follow_the_seed(chosen: Any, crawl: MadeCrawl) -> None:
    everything = {row["url"] for row in crawl.rows if "feed" not in row["url"]}
    limited = [set(chosen(limit=number)) for number in (1, 5, 20, 100)]
    assert [len(each) for each in limited] == [1, 5, 20, 25]
    assert limited[0] < limited[1] < limited[2] < limited[3] == everything
    few, many = set(chosen(sample=0.3)), set(chosen(sample=0.7))
    assert few < many < everything
    assert set(chosen(limit=len(few))) == few
    assert chosen(limit=5) == chosen(limit=5) != chosen(limit=5, seed=1)


@pytest.fixture
def http() -> Iterator[FaultyHTTPServer]:
    with FaultyHTTPServer() as server:
        yield server


def many_rows(rows: int) -> list[dict[str, Any]]:
    """Rows of which the second half is about another domain, with long URLs that no query by language needs."""
    hosts = ["a.example.com"] * (rows // 2) + ["b.ke"] * (rows // 2)
    return [
        {
            "url_surtkey": ",".join(reversed(host.split("."))) + f")/{number:07d}",
            "url": f"https://{host}/{number:07d}" + "".join(f"{number * factor:x}" for factor in range(3, 200, 7)),
            "url_host_name": host,
            "url_host_registered_domain": host,
            "content_mime_detected": "text/html",
            "content_languages": "swa" if host == "b.ke" and number % 2 else "eng",
            "warc_filename": f"crawl-data/{CRAWL}/{number % 7}.warc.gz",
            "warc_record_offset": number,
            "warc_record_length": 1,
        }
        for number, host in enumerate(hosts)
    ]


@pytest.mark.slow
def test_only_the_needed_columns_and_row_groups_are_requested(http: FaultyHTTPServer) -> None:
    data = index_file(many_rows(60_000), 15_000)
    url = http.add("/index.parquet", data, [Fault(status=503), Fault(), Fault(after=1000)])
    assert len(data) > 4 << 20

    scan = IndexScan()
    found = sum(table.num_rows for table in scan_file(url, query(hosts=["*.ke"]), OPTIONS, scan))
    assert (found, scan.groups, scan.groups_read, scan.pages) == (30_000, 4, 2, 30_000)
    assert http.sent < len(data) / 10
    assert http.connections <= 3  # the first, and one after each break

    # One for the size, one for the footer; then, of the first two groups, one each for languages and types; of the
    # others a second one each for the records.
    http.requests.clear()
    before = http.sent
    scan = IndexScan()
    found = sum(table.num_rows for table in scan_file(url, query(languages=["swa"]), OPTIONS, scan))
    assert (found, scan.groups_read) == (15_000, 2)
    assert len(http.requests) == 2 + 2 * 2
    assert http.sent - before < len(data) / 10

    # Only a choice by hash needs the URLs.
    before = http.sent
    assert sum(table.num_rows for table in scan_file(url, query(hosts=["*.ke"], limit=10), OPTIONS)) == 10
    assert len(data) / 3 < http.sent - before < len(data)


def test_a_damaged_file_and_a_missing_column(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    data = index_file(many_rows(10), 10)
    file.write_bytes(data[:-10])
    with pytest.raises(InputError, match=r"a\.parquet: it is damaged or no Parquet file"):
        list(scan_file(str(file), query(languages=["swa"]), OPTIONS))
    file.write_bytes(data.replace(b"content_languages", b"content_xanguages"))
    with pytest.raises(InputError, match=r"no column content_languages, .*: choose pages by other options"):
        list(scan_file(str(file), query(languages=["swa"]), OPTIONS))
    with pytest.raises(InputError, match="No such file"):
        list(scan_file(str(tmp_path / "b.parquet"), query(languages=["swa"]), OPTIONS))
    file.write_bytes(b"")
    with pytest.raises(InputError, match="it is empty"):
        list(scan_file(str(file), query(languages=["swa"]), StorageOptions(max_attempts=2)))


@pytest.mark.parametrize(
    "wrong",
    [{"warc_filename": None}, {"warc_record_offset": None}, {"warc_record_offset": -1}, {"warc_record_length": 0}],
)
def test_a_page_without_a_record_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    rows = many_rows(10)
    rows[7] |= wrong
    file = tmp_path / "a.parquet"
    file.write_bytes(index_file(rows, 10))
    with pytest.raises(InputError, match="a page has no file, offset or length of a record"):
        list(scan_file(str(file), query(languages=["swa"]), OPTIONS))
    assert sum(table.num_rows for table in scan_file(str(file), query(hosts=["a.example.com"]), OPTIONS)) == 5
