"""Fetching one image from a public address, bounded in bytes, time and redirects whatever its server does."""

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
from metaclip_curate.images.connection import Clock, Connector, Link, RefusedImageError

# What browsers say; a server that counts redirects can't tell.
MOST_REDIRECTS = 10
OPTED_OUT = "Use of image disallowed by X-Robots-Tag directive"
# OpenCV decodes an image of a few kilobytes to as many pixels as it says it has, unless told where to stop; the value
# is Pillow's, above which it takes an image for an attack.
MOST_PIXELS = 178_956_970

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Of those that say that the request was wrong, the ones that another try may mend.
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})
_NOT_THE_IMAGE: dict[int, str] = {
    HTTPStatus.NO_CONTENT: "an answer without an image",
    HTTPStatus.RESET_CONTENT: "an answer without an image",
    HTTPStatus.PARTIAL_CONTENT: "a part of the image, though all of it was asked for",
}
_READ_BYTES = 1 << 16
# Head, chunk sizes and all that isn't the image, beside a quarter of its size.
_FRAMING_BYTES = 1 << 20
_LONGEST_REASON = 100  # reasons are counted, and shown in a table


@dataclass(frozen=True)
class FetchLimits:
    """What a server gets, and what it may do.

    Attributes:
        user_agent: The User-Agent header.
        most_bytes: Bytes of an image file, packed and unpacked.
        silence: Seconds that a server may say nothing.
        total: Seconds for one image, redirects and repetitions included.
        retries: Times an image is asked for again.
        allow_private: Whether private addresses may be connected to.
    """

    user_agent: str
    most_bytes: int
    silence: float
    total: float
    retries: int
    allow_private: bool


class ImageFetcher:
    """Fetches images, in any number of threads.

    Args:
        limits: What servers may do.
        disallowed: Tells of an answer's headers whether its image must not be used.
    """

    def __init__(self, limits: FetchLimits, disallowed: Callable[[Message], bool]) -> None:
        self._limits, self._disallowed = limits, disallowed
        self._connector = Connector(limits.allow_private)

    def fetch(self, url: str) -> tuple[io.BytesIO | None, str | None]:
        """Fetches an image's file.

        Args:
            url: Where it is.

        Returns:
            The file, or None and the reason why there is none, in which nothing stands that a server says.
        """
        clock = Clock(self._limits.silence, self._limits.total)
        problem = ""
        for _ in range(self._limits.retries + 1):
            if problem and clock.is_over():
                break
            try:
                return self._follow(url, clock), None
            except RefusedImageError as error:
                return None, _shortened(str(error))
            except Exception as error:  # whatever one image does, the shard's others go on
                problem = _shortened(_reason(error))
        return None, problem

    def _follow(self, address: str, clock: Clock) -> io.BytesIO:
        url = _parsed(address, None, "bad URL")
        for _ in range(MOST_REDIRECTS + 1):
            if url.protocol not in ("http:", "https:"):
                raise RefusedImageError("neither http nor https")
            found = self._ask(url, clock)
            if isinstance(found, io.BytesIO):
                return found
            url = _parsed(found, url.href, "redirected to a bad URL")
        raise RefusedImageError(f"redirected more than {MOST_REDIRECTS} times")

    def _ask(self, url: ada_url.URL, clock: Clock) -> io.BytesIO | str:
        """Makes one request; returns the file, or where it is said to be."""
        most = self._limits.most_bytes
        with self._connector.open(url, clock, most + most // 4 + _FRAMING_BYTES) as opened:
            headers = {"Host": url.host, "User-Agent": self._limits.user_agent, **opened.headers}
            with _answer_of(opened.link, opened.target, headers) as answer:
                location = answer.headers.get("Location") if answer.status in _REDIRECTS else None
                if location is None:
                    _require_success(answer.status)
                if self._disallowed(answer.headers):
                    raise RefusedImageError(OPTED_OUT)
                if location is not None:
                    # The head was read as Latin-1; what isn't ASCII is UTF-8 more often.
                    return location.encode("latin-1", "replace").decode("utf-8", "replace")
                return io.BytesIO(self._body(answer, clock))

    def _body(self, answer: http.client.HTTPResponse, clock: Clock) -> bytes:
        codings = codings_of(answer.headers)
        body = self._received(answer)
        for coding in codings:
            body = unpacked(body, coding, self._limits.most_bytes, clock)
            if len(body) > self._limits.most_bytes:
                raise self._too_large()
        if not body:
            raise DamagedImageError("the image is empty")
        return body

    def _received(self, answer: http.client.HTTPResponse) -> bytes:
        if answer.length is not None and answer.length > self._limits.most_bytes:
            raise self._too_large()
        body = io.BytesIO()
        while data := _read(answer):
            if body.tell() + len(data) > self._limits.most_bytes:
                raise self._too_large()
            body.write(data)
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        return body.getvalue()

    def _too_large(self) -> RefusedImageError:
        return RefusedImageError(f"more than {self._limits.most_bytes} bytes (see --max-image-bytes)")


def _answer_of(link: Link, target: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(headers["Host"])
    # It gets its connection and makes none: no address but the one that was looked at is connected to.
    connection.auto_open = 0
    connection.sock = link
    about = {**headers, "Accept-Encoding": "identity", "Connection": "close"}
    connection.request("GET", target, headers=about)
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
    if 400 <= status < 500 and status not in _WORTH_ANOTHER_TRY:
        raise RefusedImageError(message)
    raise _StatusError(message)


class _StatusError(Exception):
    """An answer that may be another one the next time."""


# The first that fits counts.
_BAD_ANSWERS: tuple[tuple[type[http.client.HTTPException], str], ...] = (
    (http.client.IncompleteRead, "the answer ends early"),
    (http.client.RemoteDisconnected, "the server hangs up without an answer"),
    (http.client.LineTooLong, "a line of the answer's head is too long"),
    (http.client.BadStatusLine, "the server answers with something other than HTTP"),
    (http.client.UnknownProtocol, "the server answers with something other than HTTP"),
    (http.client.HTTPException, "the answer is broken HTTP"),
)


def _reason(error: Exception) -> str:
    """Says what went wrong without the words of a server, which may be anything and of which there are too many."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, _StatusError | DamagedImageError):
        return str(error)
    if isinstance(error, http.client.HTTPException):
        return next(words for kind, words in _BAD_ANSWERS if isinstance(error, kind))
    if isinstance(error, ssl.SSLCertVerificationError):
        # Behind a comma it names the host, which would make a reason of its own of each.
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
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 3]}..."
