"""As much of Google Cloud Storage's JSON API as gcsfs needs, on loopback and without credentials."""

from __future__ import annotations

import email
import email.policy
import email.utils
import hashlib
import json
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.support.servers.loopback import LoopbackServer

_OBJECT = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)/o/(.+)")
_LISTING = re.compile(r"/storage/v1/b/([^/]+)/o/?")
_ERROR = b'{"error": {"message": "as the test asked"}}'
_UPLOAD = re.compile(r"/upload/storage/v1/b/([^/]+)/o/?")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class GcsServer(LoopbackServer):
    """Objects in memory. Use as a context manager, with STORAGE_EMULATOR_HOST set to its `url`.

    Attributes:
        objects: bodies by "bucket/key".
        generations: by the same names, of objects that were uploaded; 1 where nothing else is known.
        updated: when these were.
        status: when not 0, every request is answered with it.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.generations: dict[str, int] = {}
        self.updated: dict[str, datetime] = {}
        self.lock = threading.Lock()
        self.status = 0
        owner = self

        class Handler(_Handler):
            server_of_tests = owner

        super().__init__(Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_tests: GcsServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.server_of_tests.status:
            self._send(self.server_of_tests.status, _ERROR)
        elif match := _LISTING.fullmatch(parts.path):
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._send_json(self._listing(match[1], query))
        elif match := _OBJECT.fullmatch(parts.path):
            name = f"{match[1]}/{unquote(match[2])}"
            body = self.server_of_tests.objects.get(name)
            if body is None:
                self._send(404, b"{}")
            elif "alt=media" in parts.query:
                self._send_media(name, body)
            else:
                self._send_json(self._resource(name, body))
        else:
            self._send(404, b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match = _UPLOAD.fullmatch(urlsplit(self.path).path)
        if self.server_of_tests.status or match is None:
            self._send(self.server_of_tests.status or 404, _ERROR)
            return
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if query["uploadType"] == "resumable":  # the client then sends the whole object to the location
            path = f"{urlsplit(self.path).path}?uploadType=media&name={quote(query['name'], '')}"
            self._send(200, b"", {"Location": self.server_of_tests.url + path})
            return
        if query["uploadType"] == "media":
            key, content = query["name"], body
        else:
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            metadata, media = email.message_from_bytes(head + body, policy=email.policy.HTTP).iter_parts()
            key, content = json.loads(metadata.get_content())["name"], media.get_content()
        name = f"{match[1]}/{key}"
        with self.server_of_tests.lock:
            if query.get("ifGenerationMatch", self._generation(name)) != self._generation(name):
                self._send(412, b'{"error": {"code": 412, "message": "conditionNotMet"}}')
                return
            self.server_of_tests.objects[name] = content
            self.server_of_tests.updated[name] = datetime.now(UTC)
            self.server_of_tests.generations[name] = self.server_of_tests.generations.get(name, 1) + 1
        self._send_json(self._resource(name, content))

    def _generation(self, name: str) -> str:
        known = name in self.server_of_tests.objects
        return str(self.server_of_tests.generations.get(name, 1) if known else 0)

    def _resource(self, name: str, body: bytes) -> dict[str, Any]:
        resource = _resource(name, body) | {"generation": self._generation(name)}
        updated = self.server_of_tests.updated.get(name)
        return resource | ({"updated": f"{updated:%Y-%m-%dT%H:%M:%S.%fZ}"} if updated else {})

    def do_DELETE(self) -> None:
        match = _OBJECT.fullmatch(urlsplit(self.path).path)
        name = f"{match[1]}/{unquote(match[2])}" if match else ""
        known = self.server_of_tests.objects.pop(name, None) is not None
        self._send(204 if known else 404, b"")

    def _listing(self, bucket: str, query: Mapping[str, str]) -> dict[str, Any]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        items: list[dict[str, Any]] = []
        prefixes: set[str] = set()
        for name, body in sorted(self.server_of_tests.objects.items()):
            key = name.removeprefix(bucket + "/")
            if not name.startswith(bucket + "/") or not key.startswith(prefix):
                continue
            below = key.removeprefix(prefix)
            if delimiter and delimiter in below:
                prefixes.add(prefix + below.partition(delimiter)[0] + delimiter)
            else:
                items.append(self._resource(name, body))
        return {"kind": "storage#objects", "items": items, "prefixes": sorted(prefixes)}

    def _send_media(self, name: str, body: bytes) -> None:
        headers = {
            "ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"',
            "x-goog-generation": self._generation(name),
        }
        match = _RANGE.fullmatch(self.headers.get("Range", ""))
        if match is None:
            self._send(200, body, headers)
            return
        start, end = int(match[1]), int(match[2] or len(body) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
        self._send(206, body[start : end + 1], headers)

    def _send_json(self, answer: Mapping[str, Any]) -> None:
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The server's own time, whatever a test makes `time.time` say."""
        return email.utils.format_datetime(datetime.now(UTC), usegmt=True)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def _resource(name: str, body: bytes) -> dict[str, Any]:
    bucket, _, key = name.partition("/")
    return {
        "kind": "storage#object",
        "name": key,
        "bucket": bucket,
        "size": str(len(body)),
        "updated": "2025-01-01T00:00:00.000Z",
        "timeCreated": "2025-01-01T00:00:00.000Z",
    }
