"""Reading over HTTP and HTTPS, by urllib3."""

from __future__ import annotations

import dataclasses
import functools
import re
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.client import InvalidURL
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, SSLError, URLSchemeUnknown

from metaclip_curate.storage.http_errors import caused_by, in_plain_words
from metaclip_curate.storage.http_limits import TooSlowError, bound
from metaclip_curate.storage.reader import Connection, Version
from metaclip_curate.storage.retry import (
    RETRIED_STATUSES,
    MissingError,
    RefusedError,
    SlowError,
    TransientError,
    retry_after_seconds,
)
from metaclip_curate.storage.secrets import has_broken_login, login_of, scrub, without_login

# The stored bytes are wanted: a server that packs or unpacks on the way would make ranges meaningless.
AS_STORED = {"User-Agent": "metaclip-curate", "Accept-Encoding": "identity"}

_CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d{1,19})-\d{1,19}/(\d{1,19}|\*)\s*", re.ASCII)
_UNSATISFIED_RANGE = re.compile(r"\s*bytes\s+\*/(\d{1,19})\s*", re.ASCII)

_NO_ADDRESS = "not an address"
_MOST_REDIRECTS = 10
_LONGEST_SCHEME = 20  # characters
_LONGEST_PHRASE = 100  # characters of what a server says beside a status
# What only the host that was named may see.
_OF_ONE_HOST = ("Authorization", "Cookie")


class HttpSource:
    """One http:// or https:// URL; Range and If-Match as in RFC 9110, sections 13 and 14.

    A user and a password in the URL are sent as Authorization: Basic (RFC 7617) to the host that is named, and to no
    other that it redirects to. Proxies come from the environment (http_proxy, https_proxy, no_proxy), certificates from
    the system. Reasons of errors don't show what is secret in URLs.
    """

    def __init__(
        self,
        url: str,
        read_timeout: float,
        headers: Callable[[], Mapping[str, str]] = lambda: AS_STORED,
    ) -> None:
        """Prepares; nothing is sent yet.

        Args:
            url: where the object is.
            read_timeout: seconds without a byte after which a connection counts as broken.
            headers: asked before each request, for tokens that expire.
        """
        self._address = url
        self._url = without_login(url)
        self._headers = headers
        self._timeout = read_timeout
        self._pool: urllib3.PoolManager | None = None
        self._server = ""  # that was asked last, host:port

    def connect(self, offset: int, version: Version | None) -> Connection:
        """As `Source.connect` says."""
        with _addresses_checked():
            self._address.encode()  # names of files may be bytes that are no UTF-8, and no URL is
            login = _basic(login_of(self._address))
        headers = {**self._headers(), **login}
        if offset > 0:
            headers["Range"] = f"bytes={offset}-"
            # If-Match compares strongly: a weak tag never matches.
            if version is not None and version.etag and not version.etag.startswith("W/"):
                headers["If-Match"] = version.etag
        response = self._send(headers)
        try:
            return self._opened(response, offset, version)
        except BaseException:
            response.close()
            raise

    def close(self) -> None:
        """Ends it."""
        if self._pool is not None:
            self._pool.clear()

    def _send(self, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """Asks, and asks where the answer says to ask, which urllib3 would do after reading all of that answer."""
        url = self._url
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._request(url, headers)
            location = response.get_redirect_location()
            if not location:
                return response
            response.close()
            with _addresses_checked():
                target = _target(url, location)
                elsewhere = _host(target) != _host(url)
            if elsewhere:
                headers = {name: value for name, value in headers.items() if name not in _OF_ONE_HOST}
            url = target
        raise RefusedError(f"redirected more than {_MOST_REDIRECTS} times")

    def _request(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        with _addresses_checked():
            self._server = _where(url)
            if self._pool is None:
                self._pool = _pool(self._url)
        with _plain_errors(self._server, self._timeout):
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

    def _opened(self, response: urllib3.BaseHTTPResponse, offset: int, version: Version | None) -> Connection:
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
            # The break came exactly at the end of an object of unknown size: nothing is left to read.
            match = _UNSATISFIED_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if version is not None and match is not None and int(match[1]) == offset:
                response.close()  # the body is about the error
                return _AtTheEnd(offset, dataclasses.replace(version, size=offset))
            raise RefusedError(f"the object changed while it was read ({status})")
        if response.status == 412:
            raise RefusedError(f"the object changed while it was read ({status})")
        if response.status in RETRIED_STATUSES:
            wait = retry_after_seconds(response.headers.get("Retry-After"), time.time())
            raise TransientError(status, wait)
        raise MissingError(status) if response.status in (404, 410) else RefusedError(status)

    def _body(self, response: urllib3.BaseHTTPResponse, start: int, size: int | None) -> HttpConnection:
        errors = functools.partial(_plain_errors, self._server, self._timeout)
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
        """As `Connection.read` says. One receive a call: what arrived before a break isn't lost with it."""
        with self._errors():
            return self._response.read1(size)

    def close(self) -> None:
        """Ends it."""
        self._response.close()


class _AtTheEnd:
    """What is left of an object of which everything has been read."""

    def __init__(self, start: int, version: Version) -> None:
        self.start = start
        self.version = version

    def read(self, size: int) -> bytes:
        """Nothing."""
        return b""

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def _plain_errors(where: str, seconds: float) -> Iterator[None]:
    """Raises what goes wrong on the way as what it means for reading on.

    Args:
        where: The server.
        seconds: How long it had for its next byte.
    """
    try:
        yield
    except LocationValueError as error:
        raise RefusedError(_NO_ADDRESS) from error
    except (HTTPError, OSError) as error:
        if caused_by(error, InvalidURL) is not None:  # before 2.8, urllib3 leaves a host like `a b` to http.client
            raise RefusedError(_NO_ADDRESS) from error
        reason = in_plain_words(error, where, seconds)
        if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise RefusedError(reason) from error
        if caused_by(error, TooSlowError) is not None:
            raise SlowError(reason) from error
        raise TransientError(reason) from error
    except (ValueError, OverflowError) as error:  # urllib3's and http.client's, of what a server sent
        raise RefusedError("the server's answer can't be understood") from error


@contextmanager
def _addresses_checked() -> Iterator[None]:
    """Raises that something is no address, as urllib3, urllib and http.client find in ways of their own.

    Nothing of it is repeated: what they take for a host may be a user's name and the beginning of a password.
    """
    try:
        yield
    except (LocationValueError, ValueError) as error:
        raise RefusedError(_NO_ADDRESS) from error


def _target(url: str, location: str) -> str:
    """The address that a server redirects to, without a user and a password.

    Raises:
        RefusedError: It isn't followed.
        ValueError: It is no address.
    """
    target = urljoin(url, location)
    if has_broken_login(target):
        raise ValueError(_NO_ADDRESS)
    scheme = urlsplit(target).scheme
    if scheme not in ("http", "https"):
        raise RefusedError(f"redirected to {scheme[:_LONGEST_SCHEME]}://, which isn't followed")
    return without_login(target)


def _where(url: str) -> str:
    """host:port of an address that can be parsed."""
    _, host, port = _host(url)
    return f"{host}:{port}"


def _basic(login: str) -> dict[str, str]:
    """The header for a user and a password as they stand in a URL."""
    if not login:
        return {}
    user, colon, password = login.partition(":")
    # Latin-1 stands for bytes here: what is escaped is sent as the bytes that it stands for.
    secret = b":".join((unquote_to_bytes(user), unquote_to_bytes(password) if colon else b""))
    found: dict[str, str] = urllib3.make_headers(basic_auth=secret.decode("latin-1"))
    return {"Authorization": found["authorization"]}


def _host(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib3.util.parse_url(url)
    return parts.scheme or "", parts.host, parts.port or {"http": 80, "https": 443}.get(parts.scheme or "")


def _version(response: urllib3.BaseHTTPResponse, size: int | None) -> Version:
    headers = response.headers
    return Version(size, headers.get("ETag", ""), headers.get("Last-Modified", ""))


def _pool(url: str) -> urllib3.PoolManager:
    """Connections to the URL's host, by way of the proxy that the environment names for it."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return bound(urllib3.PoolManager())
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    scheme = proxy.partition("://")[0]
    if has_broken_login(f"{proxy}/"):
        raise RefusedError(f"the proxy in {parts.scheme}_proxy is no address: write http://host:port")
    login = _basic(login_of(proxy))
    headers = {"Proxy-Authorization": login["Authorization"]} if login else None
    try:
        return bound(urllib3.ProxyManager(without_login(proxy), proxy_headers=headers))
    except URLSchemeUnknown as error:
        reason = f"the proxy in {parts.scheme}_proxy has the scheme {scheme[:_LONGEST_SCHEME]}: write http://host:port"
        raise RefusedError(reason) from error
    except LocationValueError as error:
        raise RefusedError(f"the proxy in {parts.scheme}_proxy is no address: write http://host:port") from error
