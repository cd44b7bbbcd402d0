"""Connections to images' servers, to public addresses only and within a deadline.

A host name is resolved once, and the connection is made to the addresses that were checked, so that a name server can't
answer differently the second time. Behind a proxy, the proxy resolves names and has to refuse private addresses itself;
refused here is a host that is written as a private address or has a name that the public internet doesn't have.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import io
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import ada_url

from metaclip_curate.screens.addresses import is_public, names_a_private_host

_PORTS = {"http:": 80, "https:": 443}


class RefusedImageError(Exception):
    """An image that another request wouldn't get either; the message is the reason."""


class Deadline:
    """The time for one image. The resolver takes no timeout, so resolving a name can exceed it.

    Args:
        read_timeout: Seconds that a server may send nothing.
        total: Seconds for everything that is done for the image.
    """

    def __init__(self, read_timeout: float, total: float) -> None:
        self._read_timeout, self._end = read_timeout, time.monotonic() + total

    def has_passed(self) -> bool:
        """Returns whether no time is left."""
        return time.monotonic() >= self._end

    def timeout(self) -> float:
        """Returns the number of seconds that the next step may take.

        Raises:
            TimeoutError: No time is left.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return min(self._read_timeout, left)


@dataclass(frozen=True)
class Connection:
    """A connection on which a URL can be requested.

    Attributes:
        socket: The connected socket.
        target: The request target, for the request's first line (RFC 9112, section 3.2).
        headers: Headers for a proxy.
    """

    socket: BoundedSocket
    target: str
    headers: Mapping[str, str]


class Connector:
    """Opens connections.

    Args:
        allow_private: Whether connections to private addresses are allowed.
    """

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private

    @contextlib.contextmanager
    def open(self, url: ada_url.URL, deadline: Deadline, max_bytes: int) -> Iterator[Connection]:
        """Connects to a URL's server, or to the proxy that the environment names for it.

        Args:
            url: An http or https URL.
            deadline: The time for connecting and for all that is received.
            max_bytes: Number of bytes that may be received.

        Raises:
            RefusedImageError: The server is private.
            OSError: The connection failed.
            UnicodeError: The host isn't a name that can be resolved.
        """
        host, port = _server(url)
        proxy = _proxy_for(url)
        target, headers = (url.pathname or "/") + url.search, _login(proxy)
        with contextlib.ExitStack() as stack:
            if proxy is None:
                connected = stack.enter_context(self._connect(host, port, deadline, self._allow_private))
            else:
                if not self._allow_private and names_a_private_host(host):
                    raise _private_address()
                connected = stack.enter_context(self._connect(*_server(proxy), deadline, allow_private=True))
                if url.protocol == "https:":
                    _open_tunnel(BoundedSocket(connected, deadline, max_bytes), f"{url.hostname}:{port}", headers)
                    headers = {}
                else:
                    target = f"http://{url.host}{target}"
            if url.protocol == "https:":
                connected.settimeout(deadline.timeout())
                connected = stack.enter_context(self._tls.wrap_socket(connected, server_hostname=host))
            yield Connection(BoundedSocket(connected, deadline, max_bytes), target, headers)

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # cached, since it reads all of the system's certificates

    def _connect(self, host: str, port: int, deadline: Deadline, allow_private: bool) -> socket.socket:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # A name with a public and a private address is refused: it may have been made to get past this check.
        if not allow_private and not all(is_public(str(address[0])) for *_, address in found):
            raise _private_address()
        problem: OSError = OSError("no address")
        for family, kind, protocol, _, address in found:
            seconds = deadline.timeout()
            connected = socket.socket(family, kind, protocol)
            try:
                connected.settimeout(seconds)
                connected.connect(address)
            except OSError as error:
                connected.close()
                problem = error
            else:
                return connected
        raise problem


class BoundedSocket:
    """A connected socket with the methods that `http.client` calls, which keep to a deadline and a number of bytes.

    Args:
        connected: The socket, which its owner closes.
        deadline: The time for all that is sent and received.
        max_bytes: Number of bytes that may be received.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        self._socket, self._deadline, self._left = connected, deadline, max_bytes

    def sendall(self, data: bytes) -> None:
        """Sends data."""
        self._socket.settimeout(self._deadline.timeout())
        self._socket.sendall(data)

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:
        """Returns a file of what is received; `mode` is always rb."""
        return io.BufferedReader(_Received(self))

    def close(self) -> None:
        """Does nothing, since the owner closes the socket."""

    def receive_into(self, buffer: Any) -> int:
        """Receives data once and returns the number of bytes.

        Raises:
            RefusedImageError: More bytes came than may be received.
            TimeoutError: Nothing came in time.
        """
        self._socket.settimeout(self._deadline.timeout())
        count = self._socket.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise RefusedImageError("the server's answer is too long")
        return count


class _Received(io.RawIOBase):
    def __init__(self, bounded: BoundedSocket) -> None:
        self._bounded = bounded

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._bounded.receive_into(buffer)


def _private_address() -> RefusedImageError:
    return RefusedImageError("private address (see --allow-private-addresses)")


def _server(url: ada_url.URL) -> tuple[str, int]:
    return url.hostname.strip("[]"), int(url.port or _PORTS[url.protocol])


def _proxy_for(url: ada_url.URL) -> ada_url.URL | None:
    named = urllib.request.getproxies().get(url.protocol.rstrip(":"))
    if not named or urllib.request.proxy_bypass(url.host):
        return None
    try:
        proxy = ada_url.URL(named if "://" in named else f"http://{named}")
    except ValueError:
        raise RefusedImageError("the proxy that the environment names has a bad URL") from None
    if proxy.protocol not in _PORTS:
        raise RefusedImageError("the proxy that the environment names isn't http://")
    return proxy


def _login(proxy: ada_url.URL | None) -> dict[str, str]:
    if proxy is None or not proxy.username:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password)}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode()}"}


def _open_tunnel(proxy: BoundedSocket, server: str, headers: Mapping[str, str]) -> None:
    """Requests a tunnel to a server from a proxy (RFC 9110, section 9.3.6)."""
    lines = [f"CONNECT {server} HTTP/1.1", f"Host: {server}", *(f"{name}: {value}" for name, value in headers.items())]
    proxy.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
    # BoundedSocket has only those methods of a socket that `http.client` calls.
    answer = http.client.HTTPResponse(proxy, method="CONNECT")  # type: ignore[arg-type]
    answer.begin()
    if answer.status != 200:
        raise OSError(f"the proxy answers with HTTP {answer.status}")
