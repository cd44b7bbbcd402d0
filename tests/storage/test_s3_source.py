"""Inputs from S3: a real server that checks signatures, alone and behind one whose answers go wrong."""

from __future__ import annotations

import dataclasses
import random

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.storage import InputError, InputStream, StorageOptions, expand_inputs, open_input
from metaclip_curate.storage.s3_client import forget_clients
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.s3 import Credentials, S3Server

DATA = random.Random(1).randbytes(2_000_000)
# What a service that knows no Range answers: the signature covers Range, so it cannot be taken out on the way.
WHOLE = Fault(body=DATA, ignore_range=True, headers={"Last-Modified": ""})


class Waits(list[float]):
    """A sleep that only notes how long it should have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture(autouse=True)
def no_former_clients() -> None:
    """Clients are kept, but each test has an environment of its own."""
    forget_clients()


@pytest.fixture
def options(s3_server: S3Server) -> StorageOptions:
    s3_server.put("crawl", {"a/one.warc.wat.gz": DATA})
    return StorageOptions(s3_endpoint_url=s3_server.url, read_timeout=2, max_attempts=3)


def sign_with(monkeypatch: pytest.MonkeyPatch, credentials: Credentials) -> None:
    for name, value in credentials.environment().items():
        monkeypatch.setenv(name, value)


def read_in_pieces(stream: InputStream) -> bytes:
    with stream:
        return b"".join(iter(lambda: stream.read(100_000), b""))


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_the_bytes_are_the_objects(options: StorageOptions, scheme: str) -> None:
    stream = open_input(f"{scheme}://crawl/a/one.warc.wat.gz", options)
    assert read_in_pieces(stream) == DATA
    assert stream.bytes_read == len(DATA)


@pytest.mark.slow
@pytest.mark.parametrize(
    "faults",
    [
        [Fault(after=700_000)],
        [Fault(after=700_000, ending="reset")],
        [Fault(after=700_000, ending="stall")],
        [Fault(after=0, ending="stall")],
        [Fault(status=503), Fault(status=500)],
        [Fault(status=503, headers={"Retry-After": "5"})],
        [Fault(after=1), Fault(status=503), Fault(after=1_000_000), WHOLE],
    ],
)
def test_broken_answers(options: StorageOptions, faulty_s3: FaultyHTTPServer, faults: list[Fault]) -> None:
    faulty_s3.fail("/crawl/a/one.warc.wat.gz", *faults)
    through = dataclasses.replace(options, s3_endpoint_url=faulty_s3.url, read_timeout=2)
    waits = Waits()
    assert read_in_pieces(open_input("s3://crawl/a/one.warc.wat.gz", through, sleep=waits)) == DATA
    assert len(waits) == len(faults) - any(fault.ignore_range for fault in faults)
    if faults[0].headers:
        assert 5 <= waits[0] <= 6
    assert "authorization" in faulty_s3.requests[0].headers
    if faults[0].after == 700_000:
        assert "if-match" in faulty_s3.requests[1].headers


def test_boto3_does_not_try_by_itself(options: StorageOptions, faulty_s3: FaultyHTTPServer) -> None:
    faulty_s3.always = Fault(status=503)
    through = dataclasses.replace(options, s3_endpoint_url=faulty_s3.url)
    with pytest.raises(InputError, match="gave up after 3 attempts in a row: HTTP 503"):
        open_input("s3://crawl/a/one.warc.wat.gz", through, sleep=Waits())
    assert len(faulty_s3.requests) == 3


def test_an_object_that_is_replaced(options: StorageOptions, s3_server: S3Server, faulty_s3: FaultyHTTPServer) -> None:
    faulty_s3.fail("/crawl/a/one.warc.wat.gz", Fault(after=700_000))
    through = dataclasses.replace(options, s3_endpoint_url=faulty_s3.url)
    stream = open_input("s3://crawl/a/one.warc.wat.gz", through, sleep=Waits())
    s3_server.put("crawl", {"a/one.warc.wat.gz": DATA[::-1]})
    assert stream.read() == DATA[:700_000]
    with pytest.raises(InputError, match="changed while it was read"):
        stream.read()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("s3://crawl/a/none", "404 NoSuchKey"),
        ("s3://no-such-bucket/a", "404 NoSuchBucket"),
    ],
)
def test_missing_objects(options: StorageOptions, url: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        open_input(url, options, sleep=Waits())


@pytest.mark.slow
def test_a_wrong_key_is_refused(options: StorageOptions, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Waits()
    wrong = dataclasses.replace(s3_server.owner, secret_key="guessed")
    sign_with(monkeypatch, wrong)
    with pytest.raises(InputError, match="403 SignatureDoesNotMatch"):
        open_input("s3://crawl/a/one.warc.wat.gz", options, sleep=waits)
    forget_clients()
    sign_with(monkeypatch, Credentials("AKIANOBODY", "guessed"))
    with pytest.raises(InputError, match="403 InvalidAccessKeyId"):
        open_input("s3://crawl/a/one.warc.wat.gz", options, sleep=waits)
    forget_clients()
    sign_with(monkeypatch, s3_server.stranger)
    with pytest.raises(InputError, match="403 AccessDenied"):
        open_input("s3://crawl/a/one.warc.wat.gz", options, sleep=waits)
    with pytest.raises(UserError, match=r"s3://crawl/a/one\.warc\.wat\.gz: HTTP 403"):
        expand_inputs(["s3://crawl/a/one.warc.wat.gz"], options, 0)
    assert waits == []


@pytest.mark.slow
def test_no_credentials(options: StorageOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(InputError, match="--s3-anonymous"):
        open_input("s3://crawl/a/one.warc.wat.gz", options, sleep=Waits())


@pytest.mark.slow
def test_anonymous(options: StorageOptions, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    s3_server.put("open", {"b.wat.gz": DATA}, public=True)
    anonymous = dataclasses.replace(options, s3_anonymous=True)
    assert read_in_pieces(open_input("s3://open/b.wat.gz", anonymous)) == DATA
    with pytest.raises(InputError, match="403"):
        open_input("s3://crawl/a/one.warc.wat.gz", anonymous, sleep=Waits())


def test_common_crawls_paths(options: StorageOptions, s3_server: S3Server) -> None:
    s3_server.put("commoncrawl", {"crawl-data/X/a.wat.gz": DATA})
    mirror = dataclasses.replace(options, cc_base="s3://commoncrawl/")
    assert read_in_pieces(open_input("crawl-data/X/a.wat.gz", mirror)) == DATA


@pytest.mark.parametrize("endpoint", ["nonsense", "http://[::1"])
def test_a_malformed_endpoint(endpoint: str) -> None:
    with pytest.raises(UserError, match=r"--s3-endpoint-url must be an address|s3:// cannot be used"):
        open_input("s3://crawl/a", StorageOptions(s3_endpoint_url=endpoint))


def test_an_unknown_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(UserError, match="no-such-profile"):
        open_input("s3://crawl/a", StorageOptions())


def test_an_endpoints_password_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    sign_with(monkeypatch, Credentials("a", "b"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    options = StorageOptions(s3_endpoint_url="http://user:SECRET@127.0.0.1:1", read_timeout=1, max_attempts=1)
    with pytest.raises(InputError, match="gave up") as failed:
        open_input("s3://bucket/a", options)
    with pytest.raises(OSError, match="Could not connect") as listed:
        expand_inputs(["s3://bucket/a"], options, 0)
    with pytest.raises((UserError, InputError), match=r"cannot be used|not a valid URI") as refused:
        open_input("s3://bucket/a", dataclasses.replace(options, s3_endpoint_url="http://user:SECRET@[:1"))
    assert not any("SECRET" in str(error.value) for error in (failed, listed, refused))
