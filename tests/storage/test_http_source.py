"""Inputs over HTTP: whatever the server does, the bytes are the file's or the reason is told."""

from __future__ import annotations

import base64
import email.utils
import random
import socket
import time

import pytest

from metaclip_curate.storage import InputError, InputStream, StorageOptions, open_input
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer

DATA = random.Random(0).randbytes(3_000_000)
IMPATIENT = StorageOptions(read_timeout=2, max_attempts=4)


class Waits(list[float]):
    """A sleep that only notes how long it should have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def read_in_pieces(stream: InputStream, size: int = 100_000) -> bytes:
    with stream:
        pieces = list(iter(lambda: stream.read(size), b""))
    assert all(len(piece) == size for piece in pieces[:-1])
    return b"".join(pieces)


FAULTS = {
    "none": [],
    "short body": [Fault(after=1_000_000)],
    "empty body": [Fault(after=0)],
    "reset": [Fault(after=1_000_000, ending="reset")],
    "stall": [Fault(after=1_000_000, ending="stall")],
    "stall before the headers' body": [Fault(after=0, ending="stall")],
    "503": [Fault(status=503)],
    "429, 500, 502": [Fault(status=429), Fault(status=500), Fault(status=502)],
    "503 in the middle": [Fault(after=500_000), Fault(status=503), Fault(status=504)],
    "range ignored": [Fault(after=1_000_000), Fault(ignore_range=True)],
    "range ignored, then broken": [Fault(after=1_000_000), Fault(ignore_range=True, after=2_000_000)],
    "broken before the place": [Fault(after=2_000_000), Fault(ignore_range=True, after=1_000_000)],
    "chunked": [Fault(chunked=True)],
    "chunked, broken": [Fault(chunked=True, after=1_000_000)],
    "chunked, broken at the end": [Fault(chunked=True, after=len(DATA))],
    "breaks everywhere": [Fault(after=n) for n in (1, 10_000, 300_000, 500_000, 1, 700_000)],
    "no ETag": [Fault(headers={"ETag": ""}, after=1_000_000), Fault(headers={"ETag": ""})],
    "weak ETag": [Fault(headers={"ETag": 'W/"a"'}, after=1_000_000), Fault(headers={"ETag": 'W/"a"'})],
    "no marks": [Fault(headers={"ETag": "", "Last-Modified": ""}, after=1_000_000)] * 3,
}


# A connection that stalls is given up after two seconds.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if "stall" in name else []) for name in FAULTS]
)
def test_the_bytes_are_the_files(faulty_http: FaultyHTTPServer, name: str) -> None:
    url = faulty_http.add("/a.wat.gz", DATA, FAULTS[name])
    with open_input(url, IMPATIENT, sleep=Waits()) as stream:
        assert read_in_pieces(stream) == DATA
    assert stream.bytes_read == len(DATA)


def test_it_goes_on_at_the_next_byte(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a", DATA, [Fault(after=1_000_000)])
    assert read_in_pieces(open_input(url, IMPATIENT, sleep=Waits())) == DATA
    first, second = faulty_http.asked("/a")
    assert "range" not in first.headers
    assert second.headers["range"] == "bytes=1000000-"
    assert second.headers["if-match"].startswith('"')
    assert first.headers["accept-encoding"] == second.headers["accept-encoding"] == "identity"


def test_a_gzip_body_stays_packed(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a.gz", DATA, [Fault(headers={"Content-Encoding": "gzip"})])
    assert read_in_pieces(open_input(url, IMPATIENT)) == DATA


def test_reading_to_the_end_at_once(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a", DATA, [Fault(after=1_000_000)])
    with open_input(url, IMPATIENT, sleep=Waits()) as stream:
        assert stream.read() == DATA
        assert stream.read() == stream.read(5) == stream.read1() == b""


def test_redirects_are_followed(faulty_http: FaultyHTTPServer) -> None:
    faulty_http.add("/new", DATA)
    url = faulty_http.add("/old", b"", [Fault(status=302, headers={"Location": "/new"})] * 2)
    assert read_in_pieces(open_input(url, IMPATIENT)) == DATA


def test_a_circle_of_redirects_ends(faulty_http: FaultyHTTPServer) -> None:
    faulty_http.always = Fault(status=302, headers={"Location": "/old"})
    with pytest.raises(InputError, match="redirect"):
        open_input(faulty_http.url + "/old", IMPATIENT, sleep=Waits())


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "404 Not Found"), (403, "403 Forbidden"), (401, "401"), (410, "410")]
)
def test_a_final_answer_fails_at_once(faulty_http: FaultyHTTPServer, status: int, reason: str) -> None:
    faulty_http.always = Fault(status=status)
    waits = Waits()
    with pytest.raises(InputError, match=reason) as caught:
        open_input(faulty_http.url + "/a", IMPATIENT, sleep=waits)
    assert caught.value.path == faulty_http.url + "/a"
    assert waits == []
    assert len(faulty_http.requests) == 1


def test_it_gives_up_after_max_attempts(faulty_http: FaultyHTTPServer) -> None:
    faulty_http.always = Fault(status=503)
    waits = Waits()
    with pytest.raises(InputError, match="gave up after 4 attempts in a row: HTTP 503"):
        open_input(faulty_http.url + "/a", IMPATIENT, sleep=waits)
    assert len(faulty_http.requests) == 4
    assert len(waits) == 3
    assert all(0 <= wait <= 2**n for n, wait in enumerate(waits))


def test_only_attempts_without_a_new_byte_count(faulty_http: FaultyHTTPServer) -> None:
    faulty_http.always = Fault(after=100)
    url = faulty_http.add("/a", DATA[:5_000])
    assert read_in_pieces(open_input(url, IMPATIENT, sleep=Waits()), 100) == DATA[:5_000]
    assert len(faulty_http.requests) == 50


def test_what_came_before_the_end_is_handed_out_first(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a", DATA, [Fault(after=1_500)])
    faulty_http.always = Fault(status=503)
    stream = open_input(url, IMPATIENT, sleep=Waits())
    assert stream.read(1_000) == DATA[:1_000]
    assert stream.read(1_000) == DATA[1_000:1_500]
    for _ in range(2):
        with pytest.raises(InputError, match=r"503.*after 1500 bytes"):
            stream.read(1_000)
    assert len(faulty_http.requests) == 4  # the break itself was the first failure in a row


@pytest.mark.parametrize(("header", "low", "high"), [("7", 7.0, 8.0), ("date", 6.0, 9.0), ("nonsense", 0.0, 1.0)])
def test_retry_after_is_waited(faulty_http: FaultyHTTPServer, header: str, low: float, high: float) -> None:
    value = email.utils.formatdate(time.time() + 8, usegmt=True) if header == "date" else header
    url = faulty_http.add("/a", DATA, [Fault(status=503, headers={"Retry-After": value})])
    waits = Waits()
    assert read_in_pieces(open_input(url, IMPATIENT, sleep=waits)) == DATA
    assert len(waits) == 1
    assert low <= waits[0] <= high


def test_a_wait_of_a_day_is_not_waited(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a", DATA, [Fault(status=429, headers={"Retry-After": "86400"})])
    waits = Waits()
    with pytest.raises(InputError, match="asks to wait longer than 600 s"):
        open_input(url, IMPATIENT, sleep=waits)
    assert waits == []


CHANGED = DATA[:1_000_000] + bytes(len(DATA) - 1_000_000)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(body=CHANGED),
        Fault(body=CHANGED, ignore_range=True),
        Fault(headers={"ETag": '"other"'}),
        Fault(headers={"ETag": "", "Last-Modified": ""}),
        Fault(headers={"ETag": "", "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        Fault(headers={"Content-Range": f"bytes 1000000-{len(DATA)}/{len(DATA) + 1}"}),
        Fault(body=DATA[:10], headers={"ETag": '"a"'}),
    ],
)
def test_two_versions_are_never_mixed(faulty_http: FaultyHTTPServer, fault: Fault) -> None:
    url = faulty_http.add("/a", DATA, [Fault(after=1_000_000), fault])
    stream = open_input(url, IMPATIENT, sleep=Waits())
    assert stream.read() == DATA[:1_000_000]
    with pytest.raises(InputError, match=r"changed|no longer says"):
        stream.read()


def test_without_marks_a_change_shows_by_digest(faulty_http: FaultyHTTPServer) -> None:
    bare = {"ETag": "", "Last-Modified": ""}
    other = b"x" + DATA[1:]
    url = faulty_http.add("/a", DATA, [Fault(headers=bare, after=1_000_000), Fault(headers=bare, body=other)])
    stream = open_input(url, IMPATIENT, sleep=Waits())
    assert stream.read() == DATA[:1_000_000]
    with pytest.raises(InputError, match="first bytes differ"):
        stream.read()


def test_a_change_before_the_first_byte_is_none(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a", DATA, [Fault(after=0, headers={"ETag": '"old"'})])
    assert read_in_pieces(open_input(url, IMPATIENT, sleep=Waits())) == DATA


def test_another_range_than_asked_for_is_refused(faulty_http: FaultyHTTPServer) -> None:
    late = Fault(headers={"Content-Range": f"bytes 1000001-{len(DATA)}/{len(DATA)}"})
    url = faulty_http.add("/a", DATA, [Fault(after=1_000_000), late])
    stream = open_input(url, IMPATIENT, sleep=Waits())
    stream.read()
    with pytest.raises(InputError, match="another range"):
        stream.read()


def test_a_hang_ends_by_the_clock(faulty_http: FaultyHTTPServer) -> None:
    faulty_http.always = Fault(after=0, ending="stall")
    url = faulty_http.add("/a", DATA)
    start = time.monotonic()
    stream = open_input(url, StorageOptions(read_timeout=0.2, max_attempts=3), sleep=Waits())
    with pytest.raises(InputError, match=r"no answer from 127\.0\.0\.1:\d+ within 0\.2 s"):
        stream.read()
    assert time.monotonic() - start < 3


def test_nobody_listens() -> None:
    with socket.socket() as taken:  # bound, not listening: nobody else gets the port, and connecting is refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a"
        with pytest.raises(InputError, match=r"gave up after 4 attempts.*refused"):
            open_input(url, IMPATIENT, sleep=Waits())


def test_the_environments_proxy_is_used(faulty_http: FaultyHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty_http.add("/a", DATA)
    monkeypatch.setenv("http_proxy", faulty_http.url.replace("http://", "http://user:secret@"))
    assert read_in_pieces(open_input("http://example.invalid/a", IMPATIENT)) == DATA
    request = faulty_http.requests[0]
    assert request.headers["host"] == "example.invalid"
    assert request.headers["proxy-authorization"].startswith("Basic ")


def test_a_closed_stream(faulty_http: FaultyHTTPServer) -> None:
    stream = open_input(faulty_http.add("/a", DATA), IMPATIENT)
    stream.close()
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream.read(1)


def test_a_login_goes_to_the_host_that_is_named(faulty_http: FaultyHTTPServer) -> None:
    faulty_http.add("/a", DATA)
    faulty_http.add("/old", b"", [Fault(status=301, headers={"Location": "/a"})])
    url = f"{faulty_http.url}/old".replace("://", "://%C3%BCser:p%40:ss@")
    with open_input(url, IMPATIENT) as stream:
        assert stream.read() == DATA
        assert stream.path == f"{faulty_http.url}/old"
    expected = f"Basic {base64.b64encode('üser:p@:ss'.encode()).decode()}"
    assert [request.headers["authorization"] for request in faulty_http.requests] == [expected, expected]


def test_a_redirect_to_another_host_takes_no_login_along(faulty_http: FaultyHTTPServer) -> None:
    with FaultyHTTPServer() as other:
        for location in (other.add("/a", DATA), other.url.replace("127.0.0.1", "localhost") + "/a"):
            url = faulty_http.add("/old", b"", [Fault(status=302, headers={"Location": location})])
            assert read_in_pieces(open_input(url.replace("://", "://user:secret@"), IMPATIENT)) == DATA
        assert all("authorization" in request.headers for request in faulty_http.requests)
        assert len(other.requests) == 2
        assert not any("authorization" in request.headers for request in other.requests)


def test_a_signature_is_sent_as_it_is(faulty_http: FaultyHTTPServer) -> None:
    path = "/a?X-Amz-Signature=a%2Bb%3D&X-Amz-SignedHeaders=host%3Brange"
    assert read_in_pieces(open_input(faulty_http.add(path, DATA), IMPATIENT)) == DATA


@pytest.mark.parametrize("where", ["address", "redirect", "proxy", "proxy's scheme"])
def test_reasons_show_no_secret(faulty_http: FaultyHTTPServer, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://user:SECRET@127.0.0.1:{taken.getsockname()[1]}/a?token=SECRET"
        url = faulty_http.add("/a", b"", [Fault(status=302, headers={"Location": nobody})] * 9)
        if where.startswith("proxy"):
            monkeypatch.setenv("http_proxy", nobody if where == "proxy" else "gopher://user:SECRET@h:1")
            url = "http://example.invalid/a?token=SECRET"
        with pytest.raises(InputError) as caught:
            open_input(nobody if where == "address" else url, IMPATIENT, sleep=Waits())
        assert "SECRET" not in str(caught.value)
        assert "gave up" in caught.value.reason or "proxy in http_proxy has the scheme gopher" in caught.value.reason


def test_a_proxy_without_a_scheme(faulty_http: FaultyHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty_http.add("/a", DATA)
    monkeypatch.setenv("http_proxy", faulty_http.url.removeprefix("http://"))
    assert read_in_pieces(open_input("http://example.invalid/a", IMPATIENT)) == DATA
