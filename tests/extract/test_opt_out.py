"""Page-level opt-out."""

from __future__ import annotations

import pytest

from metaclip_curate.extract.opt_out import opts_out


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("robots", "noai", True),
        ("ROBOTS", "NoIndex, NOIMAGEAI", True),
        ("robots", "index,follow,noai,noimageai", True),
        ("robots", "noindex, noml", True),
        ("robots", "nomlx", False),
        ("content-signal", "ai-train=no", False),
        ("robots", "noaibot noindex", False),
        ("robots", "all", False),
        ("googlebot", "noai", False),
        ("description", "noai", False),
        ("tdm-reservation", "1", True),
        ("TDM-Reservation", " 1 ", True),
        ("tdm-reservation", "0", False),
        ("tdm-policy", "1", False),
    ],
)
def test_meta_elements(name: str, content: str, expected: bool) -> None:
    assert opts_out([("viewport", "width"), (name, content)], []) is expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("X-Robots-Tag", "noai", True),
        ("x-robots-tag", "otherbot: noindex, noimageai", True),
        ("X-Robots-Tag", "noindex", False),
        ("robots", "noai", False),
        ("TDM-Reservation", "1", True),
        ("tdm-reservation", "", False),
        ("X-Robots-Tag", "otherbot: noml", True),
        ("Content-Signal", "search=yes, AI-Train = no", True),
        ("content-signal", "ai-train=no;search=yes", True),
        ("content-signal", "ai-train=yes, ai-input=no", False),
        ("content-signal", "noai", False),
    ],
)
def test_headers(name: str, value: str, expected: bool) -> None:
    assert opts_out([], [("Server", "x"), (name, value)]) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("noaindex", False),
        ("xnoai", False),
        ("noai-x", False),
        ("all,NOAI;x", True),
        ("x:noimageai", True),
        ("\tnoai\n", True),
    ],
)
def test_directives_are_whole_words(value: str, expected: bool) -> None:
    assert opts_out([("robots", value)], []) is expected
