"""Images from servers that mean no good."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from metaclip_curate.images import connection
from metaclip_curate.images.fetch import OPTED_OUT, FetchLimits, ImageFetcher
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer

MOST = 100_000
PRIVATE = "private address (see --allow-private-addresses)"
TOO_LARGE = f"more than {MOST} bytes (see --max-image-bytes)"
ENDS_EARLY = "the answer ends early"
NOT_HTTP = "the server answers with something other than HTTP"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture()
def server() -> Iterator[FaultyHTTPServer]:
    with FaultyHTTPServer() as running:
        yield running


def fetch(url: str, **limits: Any) -> tuple[bytes | None, str | None]:
    defaults = {"user_agent": "tests", "max_bytes": MOST, "read_timeout": 5, "total_timeout": 10, "retries": 0}
    given = FetchLimits(**{**defaults, "allow_private": True, **limits})
    found, problem = ImageFetcher(given, lambda headers: headers.get("X-Robots-Tag") == "noai").fetch(url)
    return found.read() if found is not None else None, problem


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads a request's head and answers with whatever bytes it likes."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head and (data := connection.recv(65536)):
                    head += data
                try:
                    answer(connection)
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/x.jpg"
        listening.shutdown(socket.SHUT_RDWR)


def test_an_image_and_what_its_server_is_told(server: FaultyHTTPServer) -> None:
    assert fetch(server.add("/a%20b.jpg?x=1", b"image")) == (b"image", None)
    headers = server.requests[0].headers
    assert server.requests[0].path == "/a%20b.jpg?x=1"
    assert (headers["host"], headers["user-agent"]) == (server.url.removeprefix("http://"), "tests")
    assert (headers["accept-encoding"], headers["connection"]) == ("identity", "close")


def test_chunks_and_redirects_are_followed(server: FaultyHTTPServer) -> None:
    server.add("/chunks", b"x" * 70_000, [Fault(chunked=True)])
    server.add("/moved", b"", [Fault(status=307, headers={"Location": "chunks#part"})])
    assert fetch(f"{server.url}/moved") == (b"x" * 70_000, None)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example/x.jpg", "data:image/gif,x", "javascript:x"])
def test_nothing_but_http(server: FaultyHTTPServer, url: str) -> None:
    assert fetch(url) == (None, "neither http nor https")
    server.add("/away", b"", [Fault(status=302, headers={"Location": url})])
    assert fetch(f"{server.url}/away") == (None, "neither http nor https")


def test_pairs_of_a_pool_without_urls_are_named_as_such() -> None:
    assert fetch("urn:pool:mine:000001") == (None, "a pair of a pool without URLs")


def test_redirects_end(server: FaultyHTTPServer) -> None:
    server.always = Fault(status=301, headers={"Location": "/round"})
    assert fetch(f"{server.url}/round") == (None, "redirected more than 10 times")
    assert len(server.requests) == 11
    server.always = Fault(status=301, headers={"Location": "http://["})
    assert fetch(f"{server.url}/round") == (None, "redirected to a bad URL")
    assert fetch("http://[") == (None, "bad URL")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_private_addresses_are_refused_however_they_are_written(server: FaultyHTTPServer, host: str) -> None:
    port = server.url.rpartition(":")[2]
    assert fetch(f"http://{host}:{port}/x.jpg", allow_private=False) == (None, PRIVATE)
    assert not server.requests


def test_private_addresses_are_refused_after_redirects(
    server: FaultyHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 127.0.0.1 stands for a server on the internet.
    monkeypatch.setattr(connection, "is_public", lambda address: address == "127.0.0.1")
    with FaultyHTTPServer() as inner:
        inside = inner.add("/secret", b"secret").replace("127.0.0.1", "127.0.0.2")
        server.add("/away", b"", [Fault(status=302, headers={"Location": inside})])
        server.add("/on", b"", [Fault(status=302, headers={"Location": "/away"})])
        assert fetch(f"{server.url}/on", allow_private=False, retries=3) == (None, PRIVATE)
        assert not inner.requests
    assert len(server.requests) == 2


def test_a_name_is_resolved_once_and_the_address_that_was_looked_at_is_used(
    server: FaultyHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    resolve = socket.getaddrinfo

    def rebinding(host: str, port: int, *given: Any, **more: Any) -> Any:
        asked.append(host)
        return resolve("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port, *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(connection, "is_public", lambda address: address == "127.0.0.1")
    url = server.add("/x.jpg", b"image").replace("127.0.0.1", "two-faced.example")
    assert fetch(url, allow_private=False) == (b"image", None)
    assert asked == ["two-faced.example"]
    assert fetch(url, allow_private=False) == (None, PRIVATE)


def test_one_private_address_of_several_is_enough(server: FaultyHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(server.url.rpartition(":")[2])
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: both)
    monkeypatch.setattr(connection, "is_public", lambda address: address == "127.0.0.1")
    assert fetch(f"http://both.example:{port}/x.jpg", allow_private=False) == (None, PRIVATE)
    assert not server.requests


def test_another_address_is_tried_where_one_refuses(server: FaultyHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(server.url.rpartition(":")[2])
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.3", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: both)
    assert fetch(server.add("/x.jpg", b"image")) == (b"image", None)


def test_behind_a_proxy(server: FaultyHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//me:p%40ss@"))
    server.add("/x.jpg", b"image")
    # The proxy is private, and resolves names by itself.
    assert fetch("http://images.example/x.jpg", allow_private=False) == (b"image", None)
    assert server.requests[0].headers["host"] == "images.example"
    assert server.requests[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
    for host in ("localhost", "169.254.169.254", "[::ffff:a9fe:a9fe]", "metadata", "metadata.google.internal"):
        assert fetch(f"http://{host}/x.jpg", allow_private=False) == (None, PRIVATE)
    monkeypatch.setenv("no_proxy", "images.example")
    monkeypatch.setattr(socket, "getaddrinfo", _not_found)
    assert fetch("http://images.example/x.jpg")[1] == "name not resolved (Name or service not known)"
    assert len(server.requests) == 1


def _not_found(*given: Any, **more: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_proxy_that_opens_no_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(lambda sock: sock.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")) as url:
        monkeypatch.setenv("https_proxy", url.removesuffix("/x.jpg"))
        assert fetch("https://images.example/x.jpg") == (None, "the proxy answers with HTTP 403")


def test_a_declared_length_above_the_limit_is_refused_at_once(server: FaultyHTTPServer) -> None:
    url = server.add("/x.jpg", b"x" * (MOST + 1), [Fault(after=0, ending="stall")])
    started = time.monotonic()
    assert fetch(url, retries=3) == (None, TOO_LARGE)
    assert time.monotonic() - started < 3
    assert len(server.requests) == 1
    assert fetch(server.add("/y.jpg", b"x" * MOST)) == (b"x" * MOST, None)


@pytest.mark.parametrize(
    "head", [b"", b"Content-Length: 5, 6\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n"]
)
def test_a_body_without_end_is_cut_off(head: bytes) -> None:
    sent = 0

    def pour(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        piece = b"x" * 65536
        piece = b"10000\r\n" + piece + b"\r\n" if b"chunked" in head else piece
        while True:
            connection.sendall(piece)
            sent += len(piece)

    with raw_server(pour) as url:
        assert fetch(url) == (None, TOO_LARGE)
    # What the system holds between the two is more than what is read.
    assert sent < 50 << 20


def test_a_chunk_of_negative_size_reads_no_more_than_the_rest() -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with raw_server(pour) as url:
        body, problem = fetch(url)
    assert body is None
    assert problem in (TOO_LARGE, "the server's answer is too long")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
def test_what_is_packed_unasked_is_unpacked_and_bounded(server: FaultyHTTPServer, coding: str) -> None:
    pack = zlib.compress if coding == "deflate" else gzip.compress
    answer = [Fault(headers={"Content-Encoding": coding})]
    assert fetch(server.add("/x.jpg", pack(b"image"), answer)) == (b"image", None)
    assert fetch(server.add("/plain.jpg", b"image", answer)) == (b"image", None)
    assert fetch(server.add("/most.jpg", pack(b"x" * MOST), answer)) == (b"x" * MOST, None)
    bomb = pack(bytes(10 << 20))
    assert len(bomb) < MOST
    assert fetch(server.add("/bomb.jpg", bomb, answer)) == (None, TOO_LARGE)


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"im") + gzip.compress(b"") + gzip.compress(b"age") + b"rest"),
        ("deflate", _raw_deflate(b"image")),
        ("gzip, gzip", gzip.compress(gzip.compress(b"image"))),
        ("deflate, x-gzip,gzip", gzip.compress(gzip.compress(zlib.compress(b"image")))),
        ("utf-8", b"image"),
        ("identity", b"image"),
    ],
)
def test_what_browsers_unpack_is_unpacked(server: FaultyHTTPServer, coding: str, body: bytes) -> None:
    url = server.add("/x.jpg", body, [Fault(headers={"Content-Encoding": coding})])
    assert fetch(url) == (b"image", None)


_WHOLE = gzip.compress(bytes(range(256)))


@pytest.mark.parametrize(
    ("coding", "body", "reason"),
    [
        ("gzip", _WHOLE[:-4], "the packed image ends early"),
        ("gzip", _WHOLE[:100], "the packed image ends early"),
        ("gzip", _WHOLE + _WHOLE[:100], "the packed image ends early"),
        ("gzip, gzip", gzip.compress(_WHOLE[:100]), "the packed image ends early"),
        ("gzip", _WHOLE[:-8] + bytes(8), "the packed image is damaged"),
        ("deflate", zlib.compress(b"image" * 9)[:-2], "the packed image ends early"),
        ("gzip", gzip.compress(b""), "the image is empty"),
        ("br", b"image", "packed as br, which wasn't asked for"),
        ("gzip, ZSTD", b"image", "packed as zstd, which wasn't asked for"),
        ("gzip, gzip, gzip, gzip", b"image", "packed more than 3 times"),
    ],
)
def test_what_does_not_come_whole_is_no_image(server: FaultyHTTPServer, coding: str, body: bytes, reason: str) -> None:
    url = server.add("/x.jpg", body, [Fault(headers={"Content-Encoding": coding})])
    assert fetch(url) == (None, reason)


def test_a_damaged_file_is_asked_for_again(server: FaultyHTTPServer) -> None:
    headers = {"Content-Encoding": "gzip"}
    url = server.add("/x.jpg", _WHOLE, [Fault(headers=headers, body=_WHOLE[:100]), Fault(headers=headers)])
    assert fetch(url, retries=1) == (bytes(range(256)), None)


@pytest.mark.slow
def test_a_file_of_tiny_members_takes_its_time_at_most(server: FaultyHTTPServer) -> None:
    many = gzip.compress(b"") * 200_000
    url = server.add("/x.jpg", many, [Fault(headers={"Content-Encoding": "gzip"})])
    started = time.monotonic()
    assert fetch(url, max_bytes=len(many), total_timeout=1)[0] is None
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"204 No Content", "an answer without an image (HTTP 204)"),
        (b"205 Reset Content\r\nContent-Length: 0", "an answer without an image (HTTP 205)"),
        (
            b"206 Partial Content\r\nContent-Range: bytes 0-4/9\r\nContent-Length: 5",
            "a part of the image, though all of it was requested (HTTP 206)",
        ),
        (b"200 OK\r\nContent-Length: 0", "the image is empty"),
        (b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0", "the image is empty"),
    ],
)
def test_success_without_a_whole_image(head: bytes, reason: str) -> None:
    with raw_server(lambda sock: sock.sendall(b"HTTP/1.1 " + head + b"\r\n\r\nimage")) as url:
        assert fetch(url) == (None, reason)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["head", "body", "continue"])
def test_a_server_that_drips_has_its_time(where: str) -> None:
    def drip(connection: socket.socket) -> None:
        start = {"head": b"HTTP/1.1 200 OK\r\nX: ", "body": b"HTTP/1.1 200 OK\r\n\r\n", "continue": b""}[where]
        connection.sendall(start)
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" if where == "continue" else b"x")
            time.sleep(0.02)

    with raw_server(drip) as url:
        started = time.monotonic()
        assert fetch(url, read_timeout=1, total_timeout=1, retries=5) == (None, "timed out")
        assert time.monotonic() - started < 3


@pytest.mark.slow
def test_a_server_that_says_nothing_is_asked_again(server: FaultyHTTPServer) -> None:
    url = server.add("/x.jpg", b"image", [Fault(after=2, ending="stall")])
    assert fetch(url, read_timeout=2, retries=1) == (b"image", None)


def test_what_may_be_mended_is_tried_again_and_nothing_else(server: FaultyHTTPServer) -> None:
    assert fetch(f"{server.url}/gone.jpg", retries=2) == (None, "HTTP Error 404: Not Found")
    assert len(server.requests) == 1
    url = server.add("/x.jpg", b"image", [Fault(status=503), Fault(after=2), Fault(status=429)])
    assert fetch(url, retries=3) == (b"image", None)
    url = server.add("/y.jpg", b"image", [Fault(headers={"X-Robots-Tag": "noai"})])
    assert fetch(url, retries=3) == (None, OPTED_OUT)
    server.requests.clear()
    moved = Fault(status=302, headers={"Location": "/x.jpg", "X-Robots-Tag": "noai"})
    assert fetch(server.add("/moved.jpg", b"", [moved]), retries=3) == (None, OPTED_OUT)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 299 \x1b[2Jyes\r\nContent-Length: 1\r\n\r\nx", None),
        (b"HTTP/1.1 404 \x1b[2Jgone\r\n\r\n", "HTTP Error 404: Not Found"),
        (b"HTTP/1.1 599 \x1b[2J\r\n\r\n", "HTTP Error 599: unknown"),
        (b"\x1b[2J is no answer\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "the answer is broken HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxyz", ENDS_EARLY),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n", ENDS_EARLY),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nxyz", ENDS_EARLY),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nxyz", "the answer is broken HTTP"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", "a line of the answer's head is too long"),
        (b"SSH-2.0 \x1b[31m\r\n", NOT_HTTP),
        (b"", "the server hangs up without an answer"),
    ],
)
def test_reasons_have_none_of_the_servers_words(answer: bytes, reason: str | None) -> None:
    with raw_server(lambda sock: sock.sendall(answer)) as url:
        assert fetch(url)[1] == reason


def _raises(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def _of_certificate(words: str) -> Exception:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_message = words
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("of \x1b[31m"), "the fetching itself failed, please report it (ValueError)"),
        (OSError(), "the connection failed (OSError)"),
        (OSError("x" * 300), "x" * 97 + "..."),
        (_of_certificate("Hostname mismatch, certificate is not valid for 'a.example'."), "Hostname mismatch"),
    ],
)
def test_reasons_say_something_and_are_short(monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _raises(error))
    assert (fetch("http://images.example/x.jpg")[1] or "").removeprefix("certificate verify failed: ") == reason


def test_a_proxy_that_is_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:SECRET@[127")
    assert fetch("http://images.example/x.jpg")[1] == "the proxy that the environment names has a bad URL"
