"""Servers that never end: each costs a bounded time, and the reason is told."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterable

import pytest

from metaclip_curate.storage import InputError, StorageOptions, open_input
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.raw_http import RawServer, byte_by_byte

# Most of their time is spent waiting for servers that are slow on purpose.
pytestmark = pytest.mark.slow

IMPATIENT = StorageOptions(read_timeout=1, max_attempts=2)
# On a busy machine even a fast server's thread may wait for a while.
PATIENT = StorageOptions(read_timeout=10, max_attempts=2)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS: dict[str, tuple[Callable[[], Iterable[bytes]], float, str]] = {
    "a body, byte by byte": (lambda: byte_by_byte(OK + b"Content-Length: 9999\r\n\r\n", b"x" * 9999), 0.02, "too slow"),
    "a body without a length": (lambda: byte_by_byte(OK + b"\r\n", b"x" * 9999), 0.02, "too slow"),
    "a chunk's length, byte by byte": (lambda: byte_by_byte(CHUNKED, b"0" * 9999), 0.02, "too slow"),
    "a trailer, byte by byte": (lambda: byte_by_byte(CHUNKED + b"0\r\n", b"A: b\r\n" * 999), 0.02, "too slow"),
    "a head, byte by byte": (lambda: byte_by_byte(OK, b"X-A: b\r\n" * 99), 0.02, "head isn't complete"),
    "a status line, byte by byte": (lambda: byte_by_byte(b"H", OK[1:].rstrip() + b"k" * 9999), 0.02, "head isn't"),
    "headers": (lambda: itertools.chain([OK], itertools.repeat(b"X-A: b\r\n" * 9)), 0, "100 headers"),
    "one header": (
        lambda: itertools.chain([OK, b"X-A: "], itertools.repeat(b"b" * 9999)),
        0,
        "65536 bytes",
    ),
    "100 Continue": (lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 99), 0, "end|complete"),
    "trailers": (
        lambda: itertools.chain([CHUNKED, b"0\r\n"], itertools.repeat(b"A: b\r\n" * 999)),
        0,
        "without an end",
    ),
    "a redirect's body": (
        lambda: itertools.chain([b"HTTP/1.1 302 Found\r\nLocation: /a\r\n\r\n"], itertools.repeat(b"x" * 9999)),
        0,
        "redirected more than 10 times",
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_server_without_an_end(name: str) -> None:
    pieces, pause, reason = ENDLESS[name]
    started = time.monotonic()
    with RawServer(pieces, pause) as server, pytest.raises(InputError, match=reason):
        stream = open_input(server.url, IMPATIENT if pause else PATIENT, sleep=lambda seconds: None)
        while stream.read():
            pass
    assert time.monotonic() - started < 10


def test_what_came_slowly_is_kept_and_read_on_from() -> None:
    """Each connection brings some bytes; nevertheless it isn't asked for ever."""
    with RawServer(lambda: byte_by_byte(OK + b"\r\n", b"x" * 9999), 0.02) as server:
        stream = open_input(server.url, IMPATIENT, sleep=lambda seconds: None)
        assert 0 < len(stream.read()) < 100
        with pytest.raises(InputError, match="gave up after 2 attempts in a row: too slow"):
            stream.read()
        assert server.connections == 2


def test_a_slow_reader_is_no_slow_server(faulty_http: FaultyHTTPServer) -> None:
    data = bytes(range(256)) * 4096
    stream = open_input(faulty_http.add("/a", data), StorageOptions(read_timeout=2, max_attempts=1))
    pieces = []
    while piece := stream.read(150_000):
        pieces.append(piece)
        time.sleep(0.4)
    assert b"".join(pieces) == data


@pytest.mark.parametrize("location", ["http://[", "http://a b/", "ftp://x/", "http://a:b/", "//[", "\\\\[:"])
def test_a_redirect_to_no_address(faulty_http: FaultyHTTPServer, location: str) -> None:
    url = faulty_http.add("/a", b"", [Fault(status=302, headers={"Location": location})])
    with pytest.raises(InputError, match=r"not an address|404|resolve|redirected to ftp://, which isn't followed"):
        open_input(url, PATIENT)


@pytest.mark.parametrize(
    "url", ["http://[", "http://", "http://[::1", "http://a:b/", "HTTPS://", "http://\udce9/", "http://a:99999/"]
)
def test_no_address(url: str) -> None:
    with pytest.raises(InputError, match=r"not an address|resolve|connection"):
        open_input(url, PATIENT)


@pytest.mark.parametrize("name", ["/a b", "/ü", "/a%20b", "/a?x=ü y", "/a?x=[1]", "/%zz"])
def test_characters_that_must_be_escaped(faulty_http: FaultyHTTPServer, name: str) -> None:
    faulty_http.always = Fault(body=b"data")
    with open_input(faulty_http.url.replace("http", "HTTP") + name, PATIENT) as stream:
        assert stream.read() == b"data"
    assert faulty_http.requests[0].path.isascii()


def test_a_phrase_is_cut_and_repeats_no_signature() -> None:
    def pieces() -> list[bytes]:
        return [b"HTTP/1.1 403 no /a?sig=SECRET " + b"x" * 9999 + b"\r\nContent-Length: 0\r\n\r\n"]

    with RawServer(pieces) as server, pytest.raises(InputError, match="HTTP 403 no /a xxx") as caught:
        open_input(f"{server.url}?sig=SECRET", PATIENT)
    assert len(caught.value.reason) < 200


_DIGITS = b"9" * 5000  # int() refuses so many
HOSTILE: dict[str, tuple[bytes, str]] = {
    "a range": (
        b"HTTP/1.1 206 P\r\nContent-Range: bytes 0-" + _DIGITS + b"/" + _DIGITS + b"\r\n\r\nabc",
        "another range",
    ),
    "no range": (b"HTTP/1.1 416 R\r\nContent-Range: bytes */" + _DIGITS + b"\r\n\r\n", "HTTP 416"),
    "a length": (OK + b"Content-Length: " + _DIGITS + b"\r\n\r\n", ""),
    "a length that int() takes": (OK + b"Content-Length: " + _DIGITS[:4000] + b"\r\n\r\nabc", "broke|early"),
    "two lengths": (OK + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nabc", "Content-Length"),
    "a chunk": (CHUNKED + b"f" * 5000 + b"\r\nabc", "broke|early"),
    "no chunk": (CHUNKED + b"Z" * 5000 + b"\r\nabc", "the connection broke"),
    "a wait": (b"HTTP/1.1 503 B\r\nRetry-After: " + _DIGITS + b"\r\n\r\n", "to wait longer than 600 s"),
    "a date": (b"HTTP/1.1 503 B\r\nRetry-After: Mon, 01 Jan 2024 00:00:00 +" + b"9" * 20 + b"\r\n\r\n", "HTTP 503"),
    "no HTTP": (b"SSH-2.0-x \x1b]0;" + b"x" * 9999 + b"\r\n", "row: answers with something other than HTTP$"),
    "nothing": (b"", "row: the server closed the connection without an answer$"),
    "a file": (
        b"HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n\r\n",
        "redirected to file://, which isn't followed$",
    ),
    "an unescaped password": (b"HTTP/1.1 302 F\r\nLocation: http://us:SEC/RET@h/\r\n\r\n", ": not an address$"),
    "a tag": (OK + b'ETag: "\x0b\xff' + b"e" * 9999 + b'"\r\nContent-Length: 10\r\n\r\nabc', ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_server_says_raises_nothing_but_a_short_reason(name: str) -> None:
    answer, reason = HOSTILE[name]
    failure = InputError("", "")
    with RawServer(lambda: [answer]) as server:
        try:
            with open_input(server.url, PATIENT, sleep=lambda seconds: None) as stream:
                while stream.read():
                    pass
        except InputError as error:
            failure = error
    assert re.search(reason, str(failure))
    assert len(failure.reason) <= 240
    assert failure.reason.isprintable()
    for hidden in ("SEC", "us:", "Error("):
        assert hidden not in failure.reason


@pytest.mark.parametrize("url", ["http://h/\ud800", "http://u\udc80:p@h/", "http://\ud800/", "http://h/?\udcff"])
def test_an_address_that_is_no_text(url: str) -> None:
    with pytest.raises(InputError, match="not an address"):
        open_input(url, PATIENT)


@pytest.mark.parametrize(
    "proxy", ["http://pu:pSEC/RET@127.0.0.1:1", "http://pu:pSECRET@[", "socks5://pu:SECRET@h:1", "pu:SE/CRET@h:1"]
)
def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(InputError, match=r"not an address|the proxy in http_proxy") as caught:
        open_input("http://example.invalid/a", PATIENT)
    for hidden in ("SE", "CRET", "pu"):
        assert hidden not in caught.value.reason
