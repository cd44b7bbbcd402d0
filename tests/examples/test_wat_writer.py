import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from examples.page import Anchor, Image, Page
from examples.wat_statistics import read_records
from examples.wat_writer import wat_members, wat_records, write_wat

PAGE = Page(
    url="https://zoo.example/foxes/1.html",
    title="Füchse & Wölfe",
    images=(
        Image("/a.jpg", "Ein Fuchs", "Rotfuchs"),
        Image("b.jpg"),
        Image("c.jpg", ""),
        Image("d.jpg", title='1/2 "x"'),
    ),
    links=(Anchor("/more", title="More", text="Read on"), Anchor("#top")),
    base="/assets/",
    metas=(("robots", "noai"),),
    headers=(("X-Robots-Tag", "noindex"),),
    lang="de",
    date="2025-07-13T01:02:03Z",
)


def parsed(path: Path) -> list[tuple[dict[str, str], Any]]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return [
            (fields, json.loads(block) if fields["WARC-Type"] == "metadata" else block)
            for fields, block in read_records(file)
        ]


def response(record: bytes) -> Any:
    block = record.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n\r\n")
    return json.loads(block)["Envelope"]["Payload-Metadata"]["HTTP-Response-Metadata"]


def test_a_file_has_warcinfo_the_warcs_warcinfo_and_a_record_for_each_page(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.wat.gz"
    write_wat(path, [PAGE, PAGE], crawl="CC-MAIN-2024-10")
    records = parsed(path)
    assert [fields["WARC-Type"] for fields, _ in records] == ["warcinfo", *["metadata"] * 3]
    assert b"isPartOf: CC-MAIN-2024-10\r\n" in records[0][1]
    about_warcinfo = records[1][1]["Envelope"]["Payload-Metadata"]["WARC-Info-Metadata"]
    assert about_warcinfo["isPartOf"] == "CC-MAIN-2024-10"
    fields, content = records[2]
    assert fields["WARC-Target-URI"] == PAGE.url
    assert fields["WARC-Date"] == PAGE.date
    header = content["Envelope"]["WARC-Header-Metadata"]
    assert header["WARC-Target-URI"] == PAGE.url
    assert header["WARC-Type"] == "response"
    assert header["WARC-Record-ID"] == fields["WARC-Refers-To"]


def test_a_page_is_described_with_the_keys_that_common_crawl_uses() -> None:
    metadata = response(list(wat_records([PAGE]))[2])
    assert metadata["Headers"]["X-Robots-Tag"] == "noindex"
    assert metadata["HTML-Metadata"]["Head"] == {
        "Base": "/assets/",
        "Metas": [
            {"name": "HTML@/lang", "content": "de"},
            {"name": "robots", "content": "noai"},
        ],
        "Title": "Füchse & Wölfe",
    }
    assert metadata["HTML-Metadata"]["Links"] == [
        {"path": "IMG@/src", "url": "/a.jpg", "alt": "Ein Fuchs", "title": "Rotfuchs"},
        {"path": "IMG@/src", "url": "b.jpg"},
        {"path": "IMG@/src", "url": "c.jpg", "alt": ""},
        {"path": "IMG@/src", "url": "d.jpg", "title": '1/2 "x"'},
        {"path": "A@/href", "url": "/more", "title": "More", "text": "Read on"},
        {"path": "A@/href", "url": "#top"},
    ]


def test_slashes_are_escaped_and_other_characters_are_plain_utf8() -> None:
    record = list(wat_records([PAGE]))[2]
    assert rb'{"path":"IMG@\/src","url":"\/a.jpg","alt":"Ein Fuchs"' in record
    assert "Füchse".encode() in record
    assert b"/" not in record.partition(b"\r\n\r\n")[2].replace(rb"\/", b"")


def test_the_old_extractor_leaves_slashes_and_character_references() -> None:
    page = Page("https://old.example/", "Old", (Image("/a?b=1&c=2", "Fish & <chips>"),))
    record = list(wat_records([page], old_extractor=True))[2]
    assert b'"path":"IMG@/src","url":"/a?b=1&amp;c=2","alt":"Fish &amp; &lt;chips&gt;"' in record
    assert b'\r\n\r\n{"Envelope":' in record
    assert b'"Format":"WARC"' in record


def test_requests_come_before_their_responses() -> None:
    kinds = [
        json.loads(record.partition(b"\r\n\r\n")[2])["Envelope"]["WARC-Header-Metadata"]["WARC-Type"]
        for record in list(wat_records([PAGE], with_requests=True))[1:]
    ]
    assert kinds == ["warcinfo", "request", "response"]


def test_a_data_url_is_cut_after_its_media_type() -> None:
    page = Page("https://a.example/", "", (Image("data:image/gif;base64,R0lGOD", "dot"),))
    links = response(list(wat_records([page]))[2])["HTML-Metadata"]["Links"]
    assert links == [{"path": "IMG@/src", "url": "data:image/gif;base64,", "alt": "dot"}]


def test_a_lone_surrogate_is_a_json_escape_and_changes_nothing_else() -> None:
    whole = Page("https://a.example/", "ü/\u2028", (Image("a.jpg", "fox \U0001f98a\n\x7f"),))
    half = Page("https://a.example/", "ü/\u2028", (Image("a.jpg", "fox \U0001f98a\n\x7f\ud83e"),))
    record = list(wat_records([half]))[2]
    assert rb"\ud83e" in record
    links = [list(wat_records([page]))[2].partition(b'"Links"')[2].partition(b"]")[0] for page in (whole, half)]
    assert links[1].replace(rb"\ud83e", b"") == links[0]
    assert response(record)["HTML-Metadata"]["Links"][0]["alt"].endswith("\ud83e")


def test_members_are_one_record_each_without_a_time_and_join_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.wat.gz"
    write_wat(path, [PAGE])
    members = list(wat_members([PAGE]))
    assert b"".join(members) == path.read_bytes()
    for member, record in zip(members, wat_records([PAGE]), strict=True):
        assert member[4:8] == bytes(4)
        unpacker = zlib.decompressobj(wbits=31)
        assert unpacker.decompress(member) == record
        assert unpacker.eof
        assert not unpacker.unused_data


def test_a_name_without_gz_gives_the_uncompressed_records(tmp_path: Path) -> None:
    write_wat(tmp_path / "a.wat", [PAGE])
    write_wat(tmp_path / "a.wat.gz", [PAGE], compression_level=1)
    assert (tmp_path / "a.wat").read_bytes() == b"".join(wat_records([PAGE]))
    assert gzip.decompress((tmp_path / "a.wat.gz").read_bytes()) == (tmp_path / "a.wat").read_bytes()


def test_no_pages_give_a_file_with_its_two_opening_records() -> None:
    assert len(list(wat_records([]))) == 2


def test_the_reader_of_records_finds_wrong_framing(tmp_path: Path) -> None:
    path = tmp_path / "bad.wat"
    whole = b"".join(wat_records([PAGE]))
    for bad in (whole[:-1], whole.replace(b"\r\n", b"\n"), whole[:100], b"no record"):
        path.write_bytes(bad)
        with pytest.raises(ValueError, match=r"record|field"):
            parsed(path)
