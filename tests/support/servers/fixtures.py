"""The servers as pytest fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers.faulty_http import FaultyHTTPServer
from tests.support.servers.gcs import GcsServer
from tests.support.servers.s3 import S3Server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is reached directly, whatever proxy the machine has."""
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture
def faulty_http() -> Iterator[FaultyHTTPServer]:
    """An HTTP server for one test."""
    with FaultyHTTPServer() as server:
        yield server


@pytest.fixture(scope="session")
def s3_process() -> Iterator[S3Server]:
    """The S3 server of the whole session; it takes two seconds to start."""
    with S3Server() as server:
        yield server


@pytest.fixture
def s3_server(s3_process: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The S3 server, and its owner's credentials in the environment."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_process.owner.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    return s3_process


@pytest.fixture
def faulty_s3(s3_server: S3Server) -> Iterator[FaultyHTTPServer]:
    """The same S3 server behind one whose answers go wrong on purpose; an endpoint whose paths are /bucket/key."""
    with FaultyHTTPServer(upstream=s3_server.url) as server:
        yield server


@pytest.fixture
def gcs_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    """A Google Cloud Storage server that gcsfs finds by itself."""
    pytest.importorskip("gcsfs")
    with GcsServer() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server
