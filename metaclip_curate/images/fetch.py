"""Fetching one image from a public address within limits of bytes, time and redirects."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus

import ada_url

from metaclip_curate.images.codings import DamagedImageError, codings_of, unpacked
from metaclip_curate.images.connection import BoundedSocket, Connector, Deadline, RefusedImageError
from metaclip_curate.schemas import POOL_URN

MAX_REDIRECTS = 10
OPTED_OUT = "Use of image disallowed by X-Robots-Tag directive"
# A few kilobytes can declare any number of pixels, and OpenCV allocates them all below its own limit, which is higher.
# This is the number above which Pillow refuses an image as an attack.
MAX_PIXELS = 178_956_970

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Client errors after which a repeated request may succeed.
_RETRIED_CLIENT_ERRORS = frozenset({408, 425, 429})
_NOT_THE_IMAGE: dict[int, str] = {
    HTTPStatus.NO_CONTENT: "an answer without an image",
    HTTPStatus.RESET_CONTENT: "an answer without an image",
    HTTPStatus.PARTIAL_CONTENT: "a part of the image, though all of it was requested",
}
_READ_BYTES = 1 << 16
# For the head, chunk sizes and whatever else isn't the image, besides a quarter of its size.
_FRAMING_BYTES = 1 << 20
_REASON_CHARACTERS = 100  # reasons become rows of a table


@dataclass(frozen=True)
class FetchLimits:
    """Limits of what is fetched for one image.

    Attributes:
        user_agent: The User-Agent header.
        max_bytes: Number of bytes of an image file, compressed and decompressed.
        read_timeout: Seconds that a server may send nothing.
        total_timeout: Seconds for one image, redirects and retries included.
        retries: Number of requests after the first.
        allow_private: Whether connections to private addresses are allowed.
    """

    user_agent: str
    max_bytes: int
    read_timeout: float
    total_timeout: float
    retries: int
    allow_private: bool


class ImageFetcher:
    """Fetches images; any number of threads may share an object.

    Args:
        limits: Limits of each image.
        disallowed: Returns whether an answer's headers forbid the use of its image.
    """

    def __init__(self, limits: FetchLimits, disallowed: Callable[[Message], bool]) -> None:
        self._limits, self._disallowed = limits, disallowed
        self._connector = Connector(limits.allow_private)

    def fetch(self, url: str) -> tuple[io.BytesIO | None, str | None]:
        """Fetches an image's file.

        Args:
            url: The image's URL.

        Returns:
            The file, or None and the reason, which holds no words of the server's.
        """
        deadline = Deadline(self._limits.read_timeout, self._limits.total_timeout)
        problem = ""
        for _ in range(self._limits.retries + 1):
            if problem and deadline.has_passed():
                break
            try:
                return self._follow(url, deadline), None
            except RefusedImageError as error:
                return None, _shortened(str(error))
            except Exception as error:  # one image mustn't end its shard
                problem = _shortened(_reason(error))
        return None, problem

    def _follow(self, address: str, deadline: Deadline) -> io.BytesIO:
        if address.startswith(POOL_URN):
            raise RefusedImageError("a pair of a pool without URLs")
        url = _parsed(address, None, "bad URL")
        for _ in range(MAX_REDIRECTS + 1):
            if url.protocol not in ("http:", "https:"):
                raise RefusedImageError("neither http nor https")
            found = self._request(url, deadline)
            if isinstance(found, io.BytesIO):
                return found
            url = _parsed(found, url.href, "redirected to a bad URL")
        raise RefusedImageError(f"redirected more than {MAX_REDIRECTS} times")

    def _request(self, url: ada_url.URL, deadline: Deadline) -> io.BytesIO | str:
        """Sends one request and returns the file, or the URL that the server redirects to."""
        received = self._limits.max_bytes + self._limits.max_bytes // 4 + _FRAMING_BYTES
        with self._connector.open(url, deadline, received) as connection:
            headers = {"Host": url.host, "User-Agent": self._limits.user_agent, **connection.headers}
            with _answer_of(connection.socket, connection.target, headers) as answer:
                location = answer.headers.get("Location") if answer.status in _REDIRECTS else None
                if location is None:
                    _require_success(answer.status)
                if self._disallowed(answer.headers):
                    raise RefusedImageError(OPTED_OUT)
                if location is not None:
                    # http.client decodes headers as Latin-1, but what isn't ASCII is UTF-8 more often.
                    return location.encode("latin-1", "replace").decode("utf-8", "replace")
                return io.BytesIO(self._body(answer, deadline))

    def _body(self, answer: http.client.HTTPResponse, deadline: Deadline) -> bytes:
        codings = codings_of(answer.headers)
        body = self._received(answer)
        for coding in codings:
            body = unpacked(body, coding, self._limits.max_bytes, deadline)
            if len(body) > self._limits.max_bytes:
                raise self._too_large()
        if not body:
            raise DamagedImageError("the image is empty")
        return body

    def _received(self, answer: http.client.HTTPResponse) -> bytes:
        if answer.length is not None and answer.length > self._limits.max_bytes:
            raise self._too_large()
        body = io.BytesIO()
        while data := _read(answer):
            if body.tell() + len(data) > self._limits.max_bytes:
                raise self._too_large()
            body.write(data)
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        return body.getvalue()

    def _too_large(self) -> RefusedImageError:
        return RefusedImageError(f"more than {self._limits.max_bytes} bytes (see --max-image-bytes)")


def _answer_of(connected: BoundedSocket, target: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(headers["Host"])
    # http.client must not connect by itself, to an address that wasn't checked.
    connection.auto_open = 0
    connection.sock = connected
    all_headers = {**headers, "Accept-Encoding": "identity", "Connection": "close"}
    connection.request("GET", target, headers=all_headers)
    return connection.getresponse()


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(_READ_BYTES)
    except ValueError:  # a chunk of a negative size
        raise http.client.HTTPException from None


def _parsed(address: str, base: str | None, problem: str) -> ada_url.URL:
    try:
        return ada_url.URL(address, base)
    except ValueError:
        raise RefusedImageError(problem) from None


def _require_success(status: int) -> None:
    if status in _NOT_THE_IMAGE:
        raise RefusedImageError(f"{_NOT_THE_IMAGE[status]} (HTTP {status})")
    if 200 <= status < 300:
        return
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "unknown"
    message = f"HTTP Error {status}: {phrase}"
    if 400 <= status < 500 and status not in _RETRIED_CLIENT_ERRORS:
        raise RefusedImageError(message)
    raise _StatusError(message)


class _StatusError(Exception):
    """A status that a repeated request may not get."""


# The first class that fits counts.
_BAD_ANSWERS: tuple[tuple[type[http.client.HTTPException], str], ...] = (
    (http.client.IncompleteRead, "the answer ends early"),
    (http.client.RemoteDisconnected, "the server hangs up without an answer"),
    (http.client.LineTooLong, "a line of the answer's head is too long"),
    (http.client.BadStatusLine, "the server answers with something other than HTTP"),
    (http.client.UnknownProtocol, "the server answers with something other than HTTP"),
    (http.client.HTTPException, "the answer is broken HTTP"),
)


def _reason(error: Exception) -> str:
    """Returns the reason without a server's own words: reasons are counted, and those could be anything."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, _StatusError | DamagedImageError):
        return str(error)
    if isinstance(error, http.client.HTTPException):
        return next(words for kind, words in _BAD_ANSWERS if isinstance(error, kind))
    if isinstance(error, ssl.SSLCertVerificationError):
        # After the comma OpenSSL names the host, which would make each host a reason of its own.
        return f"certificate verify failed: {error.verify_message.partition(',')[0]}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or type(error).__name__})"
    if isinstance(error, socket.gaierror):
        return f"name not resolved ({error.strerror})"
    if isinstance(error, OSError):
        return error.strerror or str(error) or f"the connection failed ({type(error).__name__})"
    if isinstance(error, UnicodeError):
        return "bad host name"
    return f"the fetching itself failed, please report it ({type(error).__name__})"


def _shortened(reason: str) -> str:
    return reason if len(reason) <= _REASON_CHARACTERS else f"{reason[: _REASON_CHARACTERS - 3]}..."
