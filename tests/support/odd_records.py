"""WAT records of odd JSON: other types, hostile URLs and texts, bytes that are no JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from examples.warc_framing import gzip_member
from tests.support.faults import Choices

LONE = "\ud83e"
IMAGE = {"path": "IMG@/src", "url": "/x.jpg", "alt": "an x"}
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 1e308, 2**63, -(2**70), "", " ", "x", "IMG@/src", "\0", LONE, [], {}),
    *([[]], [None], [IMAGE], [IMAGE, 5], {"path": "IMG@/src"}, IMAGE, {"": {}}, {"url": IMAGE}, [[IMAGE]]),
]
URLS = [
    *(
        "",
        " \t\n",
        "#",
        "?",
        "//",
        "///",
        "\\",
        "http:",
        "https://",
        "http:///",
        "http://[",
        "http://[::1",
        "http://[::1]",
    ),
    *("http://[::g]/", "http://[v1.a]/", "http://[::1%25eth0]/", "http://a:99999/", "http://a:-1/", "http://a:b/"),
    *(
        "http://a:/",
        "http://a:0/",
        "http://xn--/",
        "http://xn--a/",
        "http://xn--" + "9" * 300 + "/",
        "http://xn--ls8h.la/",
    ),
    *("http://\u200d.example/", "http://\u00ad/", "http://a\u3002b/", "http://" + "a." * 200 + "b/", "http://%zz/"),
    *("http://1.2.3.4.5/", "http://256.1.1.1/", "http://0x7f.1/", "http://user:pass@host@host/x", "http://a b/"),
    *(
        "javascript:0",
        "data:image/png;base64,",
        "data:",
        "blob:http://a/b",
        "about:blank",
        "file:///etc/x",
        "ftp://a/b",
    ),
    *(
        "../" * 30_000 + "x.jpg",
        "http://a.example/" + "x" * 100_000,
        "http://" + "x" * 100_000 + "/",
        "?" + "%" * 100_000,
    ),
    *(
        "http://a.example/\0",
        "http://a\0.example/",
        f"http://a.example/{LONE}",
        LONE,
        "\ufeffhttp://a.example/",
        "\ud83d\ude00.jpg",
    ),
    *(
        "http://a.example/" + "\u00e4" * 30_000,
        "HTTP://A.EXAMPLE/%7E",
        "http://a.example/x#" + "y" * 100_000,
        ":",
        "1:2",
        "a:b",
    ),
]
TEXTS = [
    *("", " ", "\r\n\t", "\0", "a\0b", LONE, f"a{LONE}b", "\udc00\ud800", "\ufffe", "\ufeff", "x" * 1_000_000),
    *("e\u0301" * 10_000, "\u202etxt", "\u2028", "a\x85b", "\u00a0", "\U0010ffff", "&amp;", "<b>", '"', "\\"),
]


@dataclass(frozen=True)
class OddRecord:
    """A record of odd JSON.

    Attributes:
        record: Its bytes.
        rest: The record without the image link that is odd, whose pairs must all be found; empty when more is odd.
    """

    record: bytes
    rest: bytes = b""


Oddity = Callable[[bytes, Choices], OddRecord]


def _split(record: bytes) -> tuple[bytes, Any]:
    head, _, body = record.partition(b"\r\n\r\n")
    return head, json.loads(body)


def _framed(head: bytes, body: bytes) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body + b"\r\n\r\n"


def _dumped(value: Any, choices: Choices) -> bytes:
    """JSON as escapes or as UTF-8, in which only a lone surrogate is an escape."""
    if choices.below(2):
        return json.dumps(value).encode()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _html(value: Any) -> dict[str, Any]:
    response: dict[str, Any] = value["Envelope"]["Payload-Metadata"]["HTTP-Response-Metadata"]
    html: dict[str, Any] = response["HTML-Metadata"]
    return html


def _image_number(value: Any, choices: Choices) -> int:
    links = _html(value)["Links"]
    return choices.pick([number for number, link in enumerate(links) if link.get("path") == "IMG@/src"])


def _without(head: bytes, value: Any, number: int) -> bytes:
    copy = json.loads(json.dumps(value))
    del _html(copy)["Links"][number]
    return _framed(head, json.dumps(copy).encode())


def odd_attribute(record: bytes, choices: Choices) -> OddRecord:
    """Gives an image link a hostile URL, text or path."""
    head, value = _split(record)
    number = _image_number(value, choices)
    rest = _without(head, value, number)
    link = _html(value)["Links"][number]
    name = choices.pick(["url", "url", "url", "alt", "title", "data-image-title", "path"])
    link[name] = choices.pick(URLS if name == "url" else TEXTS)
    return OddRecord(_framed(head, _dumped(value, choices)), rest)


def odd_type(record: bytes, choices: Choices) -> OddRecord:
    """Gives an image link, or one of its values, another type."""
    head, value = _split(record)
    number = _image_number(value, choices)
    rest = _without(head, value, number)
    links = _html(value)["Links"]
    if choices.below(3):
        links[number][choices.pick(["path", "url", "alt", "title", "data-image-title", "more"])] = choices.pick(VALUES)
    else:
        links[number] = choices.pick(VALUES)
    return OddRecord(_framed(head, _dumped(value, choices)), rest)


def odd_bytes_in_a_text(record: bytes, choices: Choices) -> OddRecord:
    """Puts bytes into a link's text that are no UTF-8, or none that JSON allows there."""
    head, value = _split(record)
    number = _image_number(value, choices)
    rest = _without(head, value, number)
    _html(value)["Links"][number]["alt"] = "here: @@@"
    odd = [b"\0", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82", b"\x01\x1f", b"\n", b"\t"]
    odd += [b"\\ud800", b"\\udc00\\ud800", b"\\u0000", b"\\uFFFF", b"\xef\xbb\xbf", b"\x7f"]
    body = json.dumps(value).encode().replace(b"@@@", choices.pick(odd))
    return OddRecord(_framed(head, body), rest)


def odd_value_anywhere(record: bytes, choices: Choices) -> OddRecord:
    """Replaces any value of the JSON, at any level, by one of another type."""
    head, value = _split(record)
    return OddRecord(_framed(head, _dumped(_replaced(value, choices, choices.pick(VALUES)), choices)))


def odd_page(record: bytes, choices: Choices) -> OddRecord:
    """Gives the page a hostile <base>, title, meta elements, headers or address."""
    head, value = _split(record)
    html, odd = _html(value), choices.pick([*VALUES, *URLS])
    response = value["Envelope"]["Payload-Metadata"]["HTTP-Response-Metadata"]
    where = choices.below(7)
    page_head: dict[str, Any] = html.setdefault("Head", {})
    if where == 0:
        page_head["Base"] = odd
    elif where == 1:
        page_head["Metas"] = [odd, {"name": odd, "content": odd}, {"name": "robots"}, {"content": "noai"}]
    elif where == 2:
        html["Head"] = odd
    elif where == 3:
        response["Headers"] = odd
    elif where == 4:
        response["Headers"] = {"X-Robots-Tag": odd, "tdm-reservation": [odd], "": odd}
    elif where == 5:
        page_head["Metas"] = odd
    else:
        address = choices.pick(URLS).encode("utf-8", "surrogatepass").replace(b"\n", b" ")
        head += b"\r\nWARC-Target-URI: " + address[:60_000]
    return OddRecord(_framed(head, _dumped(value, choices)))


def deep_nesting(record: bytes, choices: Choices) -> OddRecord:
    """Replaces any value by one that is nested deeply."""
    head, value = _split(record)
    depth = choices.pick([100, 900, 1_100, 5_000, 100_000])
    opening, closing = choices.pick([(b"[", b"]"), (b'{"Links":', b"}"), (b'[{"":', b"}]")])
    nested = opening * depth + b"1" + closing * choices.pick([depth, 0])
    body = json.dumps(_replaced(value, choices, "@@@")).encode().replace(b'"@@@"', nested)
    return OddRecord(_framed(head, body))


def odd_bytes_anywhere(record: bytes, choices: Choices) -> OddRecord:
    """Replaces some bytes of the JSON by others."""
    head, _, body = record.partition(b"\r\n\r\n")
    odd = [b"\0", b"\xff" * 3, b'"', b"\\", b"{", b"}", b"]", b",", b"NaN", b"Infinity", b"-", b"\\u", choices.data(9)]
    place, gone = choices.below(len(body)), choices.below(20)
    return OddRecord(_framed(head, body[:place] + choices.pick(odd) + body[place + gone :]))


def odd_body(record: bytes, choices: Choices) -> OddRecord:
    """Gives the record a body that isn't the JSON object it should be."""
    head, _, body = record.partition(b"\r\n\r\n")
    text = body.strip()
    bodies = [
        *(b"", b" ", b"null", b"[]", b"0", b'"IMG@/src"', b"IMG@", b"\xef\xbb\xbf" + text, text + b"x", text + text),
        *(
            text[: choices.below(len(text))],
            text.decode().encode("utf-16"),
            b"[" + text + b"]",
            text[1:],
            text[:-1] + b",",
        ),
        text[:-1] + b',"Envelope":null}',
        text[:-1] + b',"Envelope":' + text + b"}",
        b'{"Envelope":"IMG@",' + text[1:],
        choices.data(choices.below(3000)) + b"IMG@",
        gzip_member(text),
    ]
    return OddRecord(_framed(head, choices.pick(bodies)))


ODDITIES: list[Oddity] = [
    odd_attribute,
    odd_type,
    odd_bytes_in_a_text,
    odd_value_anywhere,
    odd_page,
    deep_nesting,
    odd_bytes_anywhere,
    odd_body,
]


def _replaced(value: Any, choices: Choices, odd: Any) -> Any:
    """Replaces the value at the end of a walk into a JSON value, which may stop at any level."""
    if not value or not isinstance(value, dict | list) or choices.below(5) == 0:
        return odd
    key = choices.pick(sorted(value) if isinstance(value, dict) else range(len(value)))
    value[key] = _replaced(value[key], choices, odd)
    return value
