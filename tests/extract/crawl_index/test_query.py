"""What the user asks for, and the sentences where it can't be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.extract.crawl_index import IndexQuery, index_files, records_digest, selected_name, warc_of
from metaclip_curate.extract.crawl_index.hosts import HostPatterns
from metaclip_curate.storage import StorageOptions
from tests.support.made_crawl import CRAWL, Capture, made_crawl, page, surt


def parse(spec: str = f"cc-index:{CRAWL}", **given: Any) -> IndexQuery:
    options: dict[str, Any] = {"languages": (), "hosts": (), "limit": 0, "sample": 1.0, "seed": 0} | given
    return IndexQuery.parse(spec, **options)


def test_order_and_case_make_no_other_selection() -> None:
    first = parse(languages=["swa", "HAU"], hosts=["Example.org", "*.ke"])
    assert first == parse(languages=["hau", "swa", "swa"], hosts=["*.ke", "example.org."], seed=7)
    assert first.name.startswith(f"{CRAWL}-")
    names = [parse(**given).name for given in ({"limit": 5}, {"limit": 6}, {"limit": 5, "seed": 1}, {"sample": 0.5})]
    assert len({first.name, *names}) == 5


def test_an_international_host_is_compared_in_ascii() -> None:
    assert HostPatterns(["Bücher.example"]).patterns == ("xn--bcher-kva.example",)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"languages": ["sw"]}, "--index-languages sw isn't a code of ISO 639-3, which the index has: write swa"),
        ({"languages": ["xyz"]}, "--index-languages xyz isn't a code of ISO 639-3"),
        ({"hosts": ["https://example.org/"]}, "--index-hosts 'https://example.org/' is no host: write example.org"),
        ({"hosts": ["a*.example.org"]}, "is no host"),
        ({}, f"cc-index:{CRAWL} chooses every page: give --index-languages"),
        ({"spec": "cc-index:", "limit": 1}, "cc-index: names no crawl: write cc-index:CC-MAIN-2025-30"),
    ],
)
def test_one_sentence_for_what_is_wrong(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        parse(**given)


@pytest.mark.parametrize(
    ("pattern", "url", "within"),
    [
        ("*.ke", "https://www.nation.co.ke/", True),
        ("*.ke", "https://www.example.com/", False),
        ("*.ke", "https://a.kenya/", False),
        ("example.org", "https://www.example.org/a", True),
        ("example.org", "https://a.b.example.org/a", True),
        ("example.org", "https://examples.org/a", False),
        ("www.example.org", "https://www.example.org/a", True),
        ("1.2.3.4", "https://1.2.3.4/", True),
    ],
)
def test_parts_of_the_sorted_index_that_may_have_a_host(pattern: str, url: str, within: bool) -> None:
    # surt() of the tests reverses addresses of numbers as well, which the index doesn't.
    key = "1.2.3.4)/" if "1.2.3.4" in url else surt(url)
    assert HostPatterns([pattern]).may_be_in(key, key) is within
    assert HostPatterns([pattern]).may_be_in("", "\uffff")


def test_a_crawl_without_an_index(tmp_path: Path) -> None:
    crawl = made_crawl([Capture(page("https://example.org/"))])
    options = StorageOptions(cc_base=crawl.write(tmp_path))
    assert index_files(CRAWL, options) == [f"{tmp_path}/{path}" for path in crawl.index_paths]
    with pytest.raises(UserError, match=r"cc-index:CC-MAIN-2012 has no columnar index at .*choose a crawl"):
        index_files("CC-MAIN-2012", options)
    with pytest.raises(UserError, match=r"can't be read .*Connection refused.*: check the network and --cc-base"):
        index_files(CRAWL, StorageOptions(cc_base="http://127.0.0.1:9", max_attempts=1))
    listing = tmp_path / f"crawl-data/{CRAWL}/cc-index-table.paths.gz"
    listing.write_bytes(b"cc-index/table/cc-main/warc/crawl=x/subset=robotstxt/a.parquet\n")
    with pytest.raises(UserError, match="lists no Parquet file of subset=warc"):
        index_files(CRAWL, options)


def test_another_choice_of_records_has_another_name() -> None:
    def digest(*pairs: tuple[int, int]) -> str:
        offsets, lengths = np.array(pairs, np.int64).T
        return records_digest(offsets, lengths)

    assert len({digest((1, 2)), digest((1, 3)), digest((1, 2), (3, 4)), digest((2, 1))}) == 4
    assert warc_of(selected_name("a#b.warc.gz", digest((1, 2)))) == ("a#b.warc.gz", digest((1, 2)))
