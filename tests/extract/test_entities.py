"""Character references of old WATs, and which WATs are old."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.extract.entities import decode_attribute, has_raw_entities


@pytest.mark.parametrize(
    ("warcinfo", "crawl", "raw"),
    [
        (b"Software-Info: ia-web-commons.1.0-SNAPSHOT-20140819100050\r\nExtracted-Date: x\r\n", "", True),
        (b"Software-Info: ia-web-commons.1.1.9-SNAPSHOT-20190515120000\r\n", "CC-MAIN-2019-22", True),
        (b"Software-Info: ia-web-commons.1.1.9-SNAPSHOT-20190909120000\r\n", "CC-MAIN-2014-35", False),
        (b"Extracted-Date: Tue, 09 Sep 2014 10:14:59 GMT\r\n", "", True),
        (b"Extracted-Date: Wed, 12 Jun 2019 10:14:59 GMT\r\n", "", True),
        (b"Extracted-Date: Thu, 13 Jun 2019 10:14:59 GMT\r\n", "", False),
        (b"Software-Info: ia-web-commons.${pom.version}-${build.time}\r\n", "CC-MAIN-2014-35", False),
        (b"Software-Info: something else\r\n", "CC-MAIN-2014-35", False),
        (b"", "CC-MAIN-2019-22", True),
        (b"", "CC-MAIN-2019-26", False),
        (b"", "", False),
    ],
)
def test_which_wats_have_them(warcinfo: bytes, crawl: str, raw: bool) -> None:
    assert has_raw_entities(warcinfo, crawl) is raw


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("Q&amp;A", "Q&A"),
        ("Q&ampA", "Q&ampA"),
        ("Q&amp A", "Q& A"),
        ("?a=1&amp;copy=2", "?a=1&copy=2"),
        ("?a=1&copy=2", "?a=1&copy=2"),
        ("&copy; 2014", "\u00a9 2014"),
        ("&eacute;t&#233; &#xE9;", "\u00e9t\u00e9 \u00e9"),
        ("&amp;amp;", "&amp;"),
        ("&nosuch; & &", "&nosuch; & &"),
        ("&#0;&#xD800;&#99999999999;", "\ufffd\ufffd\ufffd"),
        ("&#128;", "\u20ac"),
        ("&#1;", "\x01"),
        ("&#" + "9" * 5000 + ";", "\ufffd"),
    ],
)
def test_decode_attribute(raw: str, decoded: str) -> None:
    assert decode_attribute(raw) == decoded


@given(st.text("&#xX;=ampcoyltg01239 \u4e2d", max_size=30))
def test_any_text_is_decoded(raw: str) -> None:
    decoded = decode_attribute(raw)
    assert len(decoded.encode()) <= len(raw.encode())  # no character reference is shorter than its character
    assert "&" in raw or decoded == raw
