"""Which records are pages, and what a file says about itself."""

from __future__ import annotations

import json

import pytest

from metaclip_curate.extract.links import ImageLink
from metaclip_curate.extract.pages import PageReader
from metaclip_curate.extract.records import Record

HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<img src=x.jpg alt='a cat'>"
LINK = {"path": "IMG@/src", "url": "x.jpg", "alt": "a cat"}
WAT = json.dumps(
    {"Envelope": {"Payload-Metadata": {"HTTP-Response-Metadata": {"HTML-Metadata": {"Links": [LINK]}}}}}
).encode()


def record(kind: str, content_type: str, body: bytes, **more: str) -> Record:
    headers = {"warc-type": kind, "content-type": content_type, "warc-target-uri": "https://a.example/"}
    return Record(headers | {name.replace("_", "-"): value for name, value in more.items()}, body)


@pytest.mark.parametrize(
    "told",
    [
        record("response", "application/http; msgtype=response", HTTP),
        record("Response", "Application/HTTP;MsgType=response", HTTP),
        record("response", "application/http", HTTP, warc_identified_payload_type='text/html; charset="UTF-8"'),
        record("response", "application/http", HTTP, warc_target_uri="<https://a.example/>"),
        record("metadata", "application/json", WAT),
        record("METADATA", "Application/JSON; charset=utf-8", WAT),
        record("metadata", "", WAT, warc_target_uri="<https://a.example/>"),
    ],
)
def test_records_that_are_pages(told: Record) -> None:
    page = PageReader("").read(told)
    assert page is not None
    assert (page.url, page.links) == ("https://a.example/", [ImageLink("x.jpg", "a cat", "", "")])


@pytest.mark.parametrize(
    "told",
    [
        record("request", "application/http", HTTP),
        record("response", "text/dns; x=application/http", HTTP),
        record("metadata", "application/warc-fields; x=json", WAT),
        record("response", "application/http", HTTP, warc_identified_payload_type="application/pdf; x=text/html"),
    ],
)
def test_records_that_are_none(told: Record) -> None:
    assert PageReader("").read(told) is None


def test_a_lone_bracket_belongs_to_the_address() -> None:
    page = PageReader("").read(record("metadata", "", WAT, warc_target_uri="<https://a.example/"))
    assert page is not None and page.url == "<https://a.example/"


def test_a_file_says_its_crawl_in_warcinfo_alone() -> None:
    reader = PageReader("")
    reader.read(record("resource", "text/plain", b"isPartOf: CC-MAIN-2000-01"))
    assert reader.crawl == ""
    reader.read(record("WarcInfo", "application/warc-fields", b"isPartOf: CC-MAIN-2014-35\r\n"))
    assert reader.crawl == "CC-MAIN-2014-35"
