"""One file over HTTP: whole, checked, resumed, whatever the server does."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.fetch_file import Checksum, Client, fetch_file
from metaclip_curate.storage import StorageOptions
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.guarded_http import GuardedHTTPServer

DATA = bytes(range(256)) * 3000
SHA1 = Checksum("sha1", hashlib.sha1(DATA, usedforsecurity=False).hexdigest())


class Naps:
    """Takes the place of sleeping."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def client(naps: Naps) -> Client:
    return Client(StorageOptions(max_attempts=3, read_timeout=5), "someone@example.org", naps)


def test_a_file_that_breaks_off_goes_on_where_it_broke(
    faulty_http: FaultyHTTPServer, client: Client, tmp_path: Path
) -> None:
    url = faulty_http.add("/f.bz2", DATA, [Fault(after=100_000), Fault(after=200_000, ending="reset")])
    fetched = fetch_file(url, tmp_path / "d" / "f.bz2", SHA1, client)
    assert fetched is not None
    assert (fetched.bytes, fetched.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert (tmp_path / "d" / "f.bz2").read_bytes() == DATA
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["f.bz2"]
    ranges = [request.headers.get("range") for request in faulty_http.asked("/f.bz2")]
    assert ranges[0] is None
    assert ranges[1] == "bytes=100000-"


def test_a_later_call_goes_on(faulty_http: FaultyHTTPServer, client: Client, tmp_path: Path) -> None:
    url = faulty_http.add("/f", DATA, [Fault(after=100_000), *[Fault(status=500)] * 3])
    with pytest.raises(UserError, match="the same command goes on"):
        fetch_file(url, tmp_path / "f", SHA1, client)
    assert (tmp_path / "f.part").stat().st_size == 100_000
    fetched = fetch_file(url, tmp_path / "f", SHA1, client)
    assert fetched is not None
    assert fetched.resumed_at == 100_000
    assert (tmp_path / "f").read_bytes() == DATA
    last = faulty_http.asked("/f")[-1]
    assert last.headers["range"] == "bytes=100000-"
    assert "if-match" in last.headers


@pytest.mark.parametrize("how", ["ignores ranges", "part complete"])
def test_going_on_with_a_server_of_its_own_mind(
    faulty_http: FaultyHTTPServer, client: Client, tmp_path: Path, how: str
) -> None:
    after = len(DATA) if how == "part complete" else 100_000
    url = faulty_http.add("/f", DATA, [Fault(after=100_000), *[Fault(status=500)] * 3])
    with pytest.raises(UserError):
        fetch_file(url, tmp_path / "f", SHA1, client)
    (tmp_path / "f.part").write_bytes(DATA[:after])
    if how == "ignores ranges":
        faulty_http.fail("/f", Fault(ignore_range=True))
    assert fetch_file(url, tmp_path / "f", SHA1, client) is not None
    assert (tmp_path / "f").read_bytes() == DATA


@pytest.mark.parametrize("weak", [False, True])
def test_a_file_that_changed_meanwhile_begins_anew(
    faulty_http: FaultyHTTPServer, client: Client, tmp_path: Path, weak: bool
) -> None:
    other = DATA[::-1]
    headers = {"ETag": 'W/"1"'} if weak else {}
    url = faulty_http.add("/f", other, [Fault(after=100_000, headers=headers), *[Fault(status=500)] * 3])
    with pytest.raises(UserError):
        fetch_file(url, tmp_path / "f", None, client)
    faulty_http.add("/f", DATA)
    fetched = fetch_file(url, tmp_path / "f", SHA1, client)
    assert fetched is not None
    assert fetched.resumed_at == 0
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_part_that_nothing_identifies_begins_anew(
    faulty_http: FaultyHTTPServer, client: Client, tmp_path: Path
) -> None:
    unmarked = {"ETag": "", "Last-Modified": ""}
    url = faulty_http.add("/f", DATA, [Fault(after=100_000, headers=unmarked), *[Fault(status=500)] * 3])
    with pytest.raises(UserError):
        fetch_file(url, tmp_path / "f", SHA1, client)
    assert fetch_file(url, tmp_path / "f", SHA1, client) is not None
    assert "range" not in faulty_http.asked("/f")[-1].headers


def test_a_wrong_checksum_is_tried_once_more(faulty_http: FaultyHTTPServer, client: Client, tmp_path: Path) -> None:
    url = faulty_http.add("/f", DATA, [Fault(body=b"an error page with status 200")])
    assert fetch_file(url, tmp_path / "f", SHA1, client) is not None
    assert (tmp_path / "f").read_bytes() == DATA
    url = faulty_http.add("/g", b"other")
    with pytest.raises(UserError, match=f"should have {SHA1.digits}, in two downloads: try again later"):
        fetch_file(url, tmp_path / "g", SHA1, client)
    assert len(faulty_http.asked("/g")) == 2
    assert not list(tmp_path.glob("g*"))


@pytest.mark.parametrize("checksum", [SHA1, None])
@pytest.mark.parametrize("page", [b"<!DOCTYPE html>\n<html><title>Sign in</title>", b"\xef\xbb\xbf\n<HTML lang=en>..."])
def test_a_web_page_instead_of_the_file(
    faulty_http: FaultyHTTPServer, client: Client, tmp_path: Path, checksum: Checksum | None, page: bytes
) -> None:
    url = faulty_http.add("/f.gz", page)
    with pytest.raises(UserError, match=r"f\.gz is a web page \(HTML\) and not the file, in two downloads: open it"):
        fetch_file(url, tmp_path / "f.gz", checksum, client)
    assert not list(tmp_path.iterdir())


def test_the_server_says_when(faulty_http: FaultyHTTPServer, client: Client, naps: Naps, tmp_path: Path) -> None:
    later = [Fault(status=429, headers={"Retry-After": "40"}), Fault(status=503, headers={"Retry-After": "50"})]
    url = faulty_http.add("/f", DATA, later)
    assert fetch_file(url, tmp_path / "f", SHA1, client) is not None
    assert [40 <= naps.seconds[0] <= 41, 50 <= naps.seconds[1] <= 52] == [True, True]


def test_it_says_who_it_is(faulty_http: FaultyHTTPServer, client: Client, tmp_path: Path) -> None:
    fetch_file(faulty_http.add("/f", DATA), tmp_path / "f", None, client)
    agent = faulty_http.asked("/f")[0].headers["user-agent"]
    assert agent.startswith("metaclip-curate/")
    assert agent.endswith("(someone@example.org)")


def test_what_is_not_there(faulty_http: FaultyHTTPServer, client: Client, tmp_path: Path) -> None:
    assert fetch_file(faulty_http.url + "/none", tmp_path / "f", None, client) is None
    assert not list(tmp_path.iterdir())
    faulty_http.add("/closed", DATA, [Fault(status=403)])
    with pytest.raises(UserError, match="403"):
        fetch_file(faulty_http.url + "/closed", tmp_path / "f", None, client)


def test_a_damaged_note_begins_anew(faulty_http: FaultyHTTPServer, client: Client, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"other")
    for note in ("{", json.dumps({"url": "http://elsewhere", "size": 1, "etag": '"a"', "last_modified": ""})):
        (tmp_path / "f.part.json").write_text(note)
        assert fetch_file(faulty_http.add("/f", DATA), tmp_path / "f", SHA1, client) is not None


def test_a_password_is_sent_and_not_written(client: Client, tmp_path: Path) -> None:
    with GuardedHTTPServer("user:SECRET") as server:
        server.add("/f", DATA)
        server.add("/sums", b"small")
        server.fail("/f", Fault(after=1000), *[Fault(status=500)] * 3)
        with pytest.raises(UserError, match="the same command goes on") as caught:
            fetch_file(server.signed("/f"), tmp_path / "f", SHA1, client)
        assert "SECRET" not in str(caught.value)
        assert "SECRET" not in (tmp_path / "f.part.json").read_text()
        fetched = fetch_file(server.signed("/f"), tmp_path / "f", SHA1, client)
        assert fetched is not None
        assert fetched.resumed_at == 1000
        assert client.read(server.signed("/sums")) == b"small"
        with pytest.raises(UserError, match="401"):
            client.read(f"{server.url}/sums")


def test_what_is_small_is_bounded(
    faulty_http: FaultyHTTPServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metaclip_curate.metadata.sources.fetch_file._MOST_BYTES", 1000)
    assert client.read(faulty_http.add("/sums", DATA[:1000])) == DATA[:1000]
    with pytest.raises(UserError, match="more than 1,000 bytes"):
        client.read(faulty_http.add("/sums", DATA[:1001]))


def test_a_small_file_that_breaks_off_is_no_shorter_file(faulty_http: FaultyHTTPServer, client: Client) -> None:
    url = faulty_http.add("/sums", DATA, [Fault(after=1000), *[Fault(status=500)] * 3])
    with pytest.raises(UserError, match="gave up"):
        client.read(url)
