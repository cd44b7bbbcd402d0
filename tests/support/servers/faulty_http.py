"""An HTTP server whose answers go wrong as a test asks, alone or in front of another server."""

from __future__ import annotations

import email.utils
import hashlib
import re
import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Literal
from urllib.parse import urlsplit

import urllib3

from tests.support.servers.loopback import LoopbackServer

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_OWN_HEADERS = {"connection", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class Fault:
    """One way in which an answer goes wrong.

    Attributes:
        status: answer this status without a body instead; 0: the right answer.
        headers: added to the answer, in place of those of the same name; an empty value removes one.
        after: bytes of the body that are sent before it ends; None: all.
        ending: what follows them. close: the connection is closed in order; reset: TCP RST; stall: nothing comes any
            more until the server is closed.
        ignore_range: send everything from the first byte, with status 200; not with an upstream's body.
        body: another body than the file's, with another ETag.
        chunked: no Content-Length.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int | None = None
    ending: Literal["close", "reset", "stall"] = "close"
    ignore_range: bool = False
    body: bytes | None = None
    chunked: bool = False


@dataclass(frozen=True)
class Request:
    """What was asked, for a test to look at. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class FaultyHTTPServer(LoopbackServer):
    """Serves files with Range, If-Match, ETag and Last-Modified, and each path's faults in the order they were given.

    Each request takes its path's next fault; without one, `always`, which is none as long as it isn't set. With
    `upstream`, the right answers come from that server. Use as a context manager.
    """

    def __init__(self, upstream: str = "") -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.sent = 0  # bytes of bodies
        self.always = Fault()
        self._upstream = upstream
        self._files: dict[str, bytes] = {}
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        owner = self

        class Handler(_Handler):
            server_of_tests = owner

        super().__init__(Handler)

    def add(self, path: str, body: bytes, faults: Iterable[Fault] = ()) -> str:
        """Serves a file; returns its URL. Adding a path again replaces it."""
        with self._lock:
            self._files[path] = body
            self._faults[path] = deque(faults)
        return self.url + path

    def fail(self, path: str, *faults: Fault) -> None:
        """Adds faults to those that a path's next requests meet."""
        with self._lock:
            self._faults[path].extend(faults)

    def asked(self, path: str) -> list[Request]:
        """The requests of a path so far, in order."""
        with self._lock:
            return [request for request in self.requests if request.path == path]

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        super().__exit__(*error)

    def take(self, request: Request) -> Fault:
        """Notes a request and gives its fault."""
        with self._lock:
            self.requests.append(request)
            queue = self._faults[request.path]
            return queue.popleft() if queue else self.always

    def answer(self, request: Request, body: bytes, fault: Fault) -> Answer:
        """The answer before its body is cut."""
        if fault.status:
            return Answer(fault.status, {}, b"")
        if fault.body is None and self._upstream:
            return self._forward(request, body)
        with self._lock:
            data = self._files.get(request.path) if fault.body is None else fault.body
        return Answer(404, {}, b"") if data is None else _file_answer(request, data, fault)

    def count_connection(self) -> None:
        """Counts a connection."""
        with self._lock:
            self.connections += 1

    def count_sent(self, size: int) -> None:
        """Counts bytes of a body."""
        with self._lock:
            self.sent += size

    def wait_until_closed(self) -> None:
        self._closing.wait(timeout=60)

    def _forward(self, request: Request, body: bytes) -> Answer:
        response = urllib3.request(
            request.method,
            self._upstream + request.path,
            body=body or None,
            headers={k: v for k, v in request.headers.items() if k != "connection"},
            decode_content=False,
            redirect=False,
            retries=False,
        )
        headers = {k: v for k, v in response.headers.items() if k.lower() not in _OWN_HEADERS}
        if request.method == "HEAD":
            headers["Content-Length"] = response.headers.get("Content-Length", "0")
        return Answer(response.status, headers, response.data)


def _file_answer(request: Request, data: bytes, fault: Fault) -> Answer:
    headers = {
        "ETag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"',
        "Last-Modified": email.utils.formatdate(1_700_000_000, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    if request.headers.get("if-match", headers["ETag"]) != headers["ETag"]:
        return Answer(412, {}, b"")
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or fault.ignore_range:
        return Answer(200, headers, data)
    start = int(match[1])
    if start >= len(data):
        return Answer(416, {"Content-Range": f"bytes */{len(data)}"}, b"nothing there")
    end = min(len(data), int(match[2]) + 1) if match[2] else len(data)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
    return Answer(206, headers, data[start:end])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_tests: FaultyHTTPServer

    def setup(self) -> None:
        super().setup()
        self.server_of_tests.count_connection()

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        # As a proxy it is asked for a whole URL: only the path counts then.
        parts = urlsplit(self.path)
        path = self.path if parts.scheme == "" else parts.path
        request = Request(self.command, path, {key.lower(): value for key, value in self.headers.items()})
        fault = self.server_of_tests.take(request)
        answer = self.server_of_tests.answer(request, body, fault)
        try:
            self._send(answer, fault)
        except (BrokenPipeError, ConnectionResetError):  # the client gave up, as it may
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle

    def _send(self, answer: Answer, fault: Fault) -> None:
        headers = {**answer.headers, **fault.headers}
        if fault.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers.setdefault("Content-Length", str(len(answer.body)))
        self.send_response(answer.status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = fault.after is not None and not fault.status
        body = answer.body[: fault.after] if cut else answer.body
        if fault.chunked:
            body = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            body += b"" if cut else b"0\r\n\r\n"
        self.wfile.write(body)
        self.wfile.flush()
        self.server_of_tests.count_sent(len(body))
        if cut:
            self._end(fault)

    def _end(self, fault: Fault) -> None:
        self.close_connection = True
        if fault.ending == "stall":
            self.server_of_tests.wait_until_closed()
        elif fault.ending == "reset":
            # Closing with a linger of 0 s sends RST in place of FIN; what was sent before may still arrive or not.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
