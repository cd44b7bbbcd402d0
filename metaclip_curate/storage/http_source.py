"""Inputs at http:// and https://, by urllib3."""

from __future__ import annotations

import dataclasses
import functools
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.client import InvalidURL

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, SSLError

from metaclip_curate.storage.http_addresses import (
    NO_ADDRESS,
    basic_authorization,
    host_and_port,
    origin_of,
    pool_for,
    redirect_target,
    refusing_bad_addresses,
)
from metaclip_curate.storage.http_errors import caused_by, explain
from metaclip_curate.storage.http_limits import TooSlowError
from metaclip_curate.storage.redaction import login_of, scrub, without_login
from metaclip_curate.storage.retry import (
    RETRIED_STATUSES,
    MissingError,
    RefusedError,
    SlowError,
    TransientError,
    retry_after_seconds,
)
from metaclip_curate.storage.source import Connection, Version, byte_range

# Bytes are requested as stored: ranges would mean nothing if the server compressed or decompressed them on the way.
AS_STORED = {"User-Agent": "metaclip-curate", "Accept-Encoding": "identity"}

_CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d{1,19})-\d{1,19}/(\d{1,19}|\*)\s*", re.ASCII)
_UNSATISFIED_RANGE = re.compile(r"\s*bytes\s+\*/(\d{1,19})\s*", re.ASCII)

_MOST_REDIRECTS = 10
_LONGEST_PHRASE = 100  # characters of the phrase after a status
# Headers that are sent to the host in the URL only.
_SECRET_HEADERS = ("Authorization", "Cookie")


class HttpSource:
    """One http:// or https:// URL; Range and If-Match as in RFC 9110, sections 13 and 14.

    A user and a password in the URL are sent as Authorization: Basic (RFC 7617) to the URL's host, but not to other
    hosts that it redirects to. Proxies come from the environment (http_proxy, https_proxy, no_proxy), certificates from
    the system. Errors don't show the secrets of a URL.
    """

    def __init__(
        self,
        url: str,
        read_timeout: float,
        headers: Callable[[], Mapping[str, str]] = lambda: AS_STORED,
    ) -> None:
        """Prepares requests, without sending one.

        Args:
            url: URL of the object.
            read_timeout: Seconds without a byte after which a connection counts as broken.
            headers: Returns the headers to send. It is called before each request, since tokens expire.
        """
        self._address = url
        self._url = without_login(url)
        self._headers = headers
        self._timeout = read_timeout
        self._pool: urllib3.PoolManager | None = None
        self._server = ""  # host:port of the last request

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> Connection:
        """Requests the bytes from `offset` on, as `Source.connect` does."""
        with refusing_bad_addresses():
            self._address.encode()  # file names may be bytes that aren't UTF-8, but no URL is
            login = basic_authorization(login_of(self._address))
        headers = {**self._headers(), **login}
        if offset > 0 or end is not None:
            headers["Range"] = byte_range(offset, end)
            # If-Match compares strongly: a weak tag never matches.
            if version is not None and version.etag and not version.etag.startswith("W/"):
                headers["If-Match"] = version.etag
        response = self._send(headers)
        try:
            return self._open(response, offset, version)
        except BaseException:
            response.close()
            raise

    def close(self) -> None:
        """Closes the connections that are kept."""
        if self._pool is not None:
            self._pool.clear()

    def _send(self, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """Sends a request and follows redirects, which urllib3 would do only after reading a redirect's whole body."""
        url = self._url
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._request(url, headers)
            location = response.get_redirect_location()
            if not location:
                return response
            response.close()
            with refusing_bad_addresses():
                target = redirect_target(url, location)
                elsewhere = origin_of(target) != origin_of(url)
            if elsewhere:
                headers = {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}
            url = target
        raise RefusedError(f"redirected more than {_MOST_REDIRECTS} times")

    def _request(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        with refusing_bad_addresses():
            self._server = host_and_port(url)
            if self._pool is None:
                self._pool = pool_for(self._url)
        with _read_errors(self._server, self._timeout):
            return self._pool.request(
                "GET",
                url,
                headers=headers,
                timeout=urllib3.Timeout(connect=self._timeout, read=self._timeout),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )

    def _open(self, response: urllib3.BaseHTTPResponse, offset: int, version: Version | None) -> Connection:
        phrase = scrub(response.reason or "")[:_LONGEST_PHRASE]
        status = f"HTTP {response.status} {phrase}".rstrip()
        if response.status == 200:
            return self._body(response, 0, response.length_remaining)
        if response.status == 206:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or int(match[1]) > offset:
                raise RefusedError(f"{status} with another range than the one asked for")
            size = None if match[2] == "*" else int(match[2])
            return self._body(response, int(match[1]), size)
        if response.status == 416:
            # The break came exactly at the end of an object of unknown size, so nothing is left to read.
            match = _UNSATISFIED_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if version is not None and match is not None and int(match[1]) == offset:
                response.close()  # its body describes the error
                return _EmptyConnection(offset, dataclasses.replace(version, size=offset))
            if version is None or (match is not None and int(match[1]) == version.size):
                raise RefusedError(f"it ends before byte {offset:,} ({status})")
            raise RefusedError(f"the object changed while it was read ({status})")
        if response.status == 412:
            raise RefusedError(f"the object changed while it was read ({status})")
        if response.status in RETRIED_STATUSES:
            wait = retry_after_seconds(response.headers.get("Retry-After"), time.time())
            raise TransientError(status, wait)
        raise MissingError(status) if response.status in (404, 410) else RefusedError(status)

    def _body(self, response: urllib3.BaseHTTPResponse, start: int, size: int | None) -> HttpConnection:
        errors = functools.partial(_read_errors, self._server, self._timeout)
        return HttpConnection(response, start, _version(response, size), errors)


class HttpConnection:
    """The body of one answer."""

    def __init__(
        self,
        response: urllib3.BaseHTTPResponse,
        start: int,
        version: Version,
        errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._response = response
        self._errors = errors
        self.start = start
        self.version = version

    def read(self, size: int) -> bytes:
        """Reads as `Connection.read` does. One receive a call, so that a break loses nothing that arrived before it."""
        with self._errors():
            return self._response.read1(size)

    def close(self) -> None:
        """Closes the response."""
        self._response.close()


class _EmptyConnection:
    """The end of an object that was read completely."""

    def __init__(self, start: int, version: Version) -> None:
        self.start = start
        self.version = version

    def read(self, size: int) -> bytes:
        """Returns no bytes."""
        return b""

    def close(self) -> None:
        """Does nothing: no response is open."""


@contextmanager
def _read_errors(server: str, seconds: float) -> Iterator[None]:
    """Converts the errors of a request or a read into those that `Source` and `Connection` raise.

    Args:
        server: host:port of the server.
        seconds: Time that it had to send its next byte.
    """
    try:
        yield
    except LocationValueError as error:
        raise RefusedError(NO_ADDRESS) from error
    except (HTTPError, OSError) as error:
        if caused_by(error, InvalidURL) is not None:  # before 2.8, urllib3 leaves a host like `a b` to http.client
            raise RefusedError(NO_ADDRESS) from error
        reason = explain(error, server, seconds)
        if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise RefusedError(reason) from error
        if caused_by(error, TooSlowError) is not None:
            raise SlowError(reason) from error
        raise TransientError(reason) from error
    except (ValueError, OverflowError) as error:  # raised by urllib3 and http.client for malformed answers
        raise RefusedError("the server's answer can't be understood") from error


def _version(response: urllib3.BaseHTTPResponse, size: int | None) -> Version:
    headers = response.headers
    return Version(size, headers.get("ETag", ""), headers.get("Last-Modified", ""))
