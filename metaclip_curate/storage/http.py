"""Reading over HTTP and HTTPS, by urllib3."""

from __future__ import annotations

import dataclasses
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, MaxRetryError, SSLError

from metaclip_curate.storage.reader import Version
from metaclip_curate.storage.retry import (
    RETRIED_STATUSES,
    MissingError,
    RefusedError,
    TransientError,
    retry_after_seconds,
)

# The stored bytes are wanted: a server that packs or unpacks on the way would make ranges meaningless.
AS_STORED = {"User-Agent": "metaclip-curate", "Accept-Encoding": "identity"}

_CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d+)-\d+/(\d+|\*)\s*", re.ASCII)
_UNSATISFIED_RANGE = re.compile(r"\s*bytes\s+\*/(\d+)\s*", re.ASCII)

# urllib3 follows redirects; every other failure is ours to count.
_REDIRECTS_ONLY = urllib3.Retry(
    total=None,
    connect=False,
    read=False,
    status=False,
    other=False,
    redirect=10,
    respect_retry_after_header=False,
)


class HttpSource:
    """One http:// or https:// URL; Range and If-Match as in RFC 9110, sections 13 and 14.

    Proxies come from the environment (http_proxy, https_proxy, no_proxy), certificates from the system.
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
        self._url = url
        self._headers = headers
        self._pool = _pool(url)
        self._timeout = urllib3.Timeout(connect=read_timeout, read=read_timeout)

    def connect(self, offset: int, version: Version | None) -> HttpConnection:
        """As `Source.connect` says."""
        headers = dict(self._headers())
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
        self._pool.clear()

    def _send(self, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(
                "GET",
                self._url,
                headers=headers,
                timeout=self._timeout,
                retries=_REDIRECTS_ONLY,
                preload_content=False,
                decode_content=False,
            )
        except MaxRetryError as error:
            raise RefusedError(f"redirected in circles ({error.reason})") from error
        except LocationValueError as error:
            raise RefusedError(f"not an address ({error})") from error
        except SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise RefusedError(str(error)) from error
            raise TransientError(str(error)) from error
        except (HTTPError, OSError) as error:
            raise TransientError(str(error)) from error

    def _opened(self, response: urllib3.BaseHTTPResponse, offset: int, version: Version | None) -> HttpConnection:
        status = f"HTTP {response.status} {response.reason or ''}".rstrip()
        if response.status == 200:
            return HttpConnection(response, 0, _version(response, response.length_remaining))
        if response.status == 206:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or int(match[1]) > offset:
                raise RefusedError(f"{status} with another range than the one asked for")
            size = None if match[2] == "*" else int(match[2])
            return HttpConnection(response, int(match[1]), _version(response, size))
        if response.status == 416:
            # The break came exactly at the end of an object of unknown size: nothing is left to read.
            match = _UNSATISFIED_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if version is not None and match is not None and int(match[1]) == offset:
                response.drain_conn()  # the body is about the error
                return HttpConnection(response, offset, dataclasses.replace(version, size=offset))
            raise RefusedError(f"the object changed while it was read ({status})")
        if response.status == 412:
            raise RefusedError(f"the object changed while it was read ({status})")
        if response.status in RETRIED_STATUSES:
            wait = retry_after_seconds(response.headers.get("Retry-After"), time.time())
            raise TransientError(status, wait)
        raise MissingError(status) if response.status in (404, 410) else RefusedError(status)


class HttpConnection:
    """The body of one answer."""

    def __init__(self, response: urllib3.BaseHTTPResponse, start: int, version: Version) -> None:
        self._response = response
        self.start = start
        self.version = version

    def read(self, size: int) -> bytes:
        """As `Connection.read` says. One receive a call: what arrived before a break isn't lost with it."""
        try:
            return self._response.read1(size)
        except (HTTPError, OSError) as error:
            raise TransientError(str(error)) from error

    def close(self) -> None:
        """Ends it."""
        self._response.close()


def _version(response: urllib3.BaseHTTPResponse, size: int | None) -> Version:
    headers = response.headers
    return Version(size, headers.get("ETag", ""), headers.get("Last-Modified", ""))


def _pool(url: str) -> urllib3.PoolManager:
    """Connections to the URL's host, by way of the proxy that the environment names for it."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.PoolManager()
    login = urlsplit(proxy)
    headers = None
    if login.username is not None:
        secret = f"{unquote(login.username)}:{unquote(login.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=secret)
    return urllib3.ProxyManager(proxy, proxy_headers=headers)
