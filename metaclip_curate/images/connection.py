"""Connections to images' servers, to addresses that were looked at first, none longer than it may take.

A name is resolved once and the connection made to the very addresses that were looked at, so that a name server has no
second answer to give. Behind a proxy it is the proxy that resolves names and must refuse what is private; what is
refused here is a host that is written as a private address or by a name that the public internet doesn't have.
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
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import ada_url

from metaclip_curate.images.addresses import is_public, names_a_private_host

_PORTS = {"http:": 80, "https:": 443}


class RefusedImageError(Exception):
    """An image that isn't fetched, however often it is asked for; the message is the reason."""


class Clock:
    """The time that one image has; only the resolver, which takes no limit, keeps its own.

    Args:
        silence: Seconds that a server may say nothing.
        total: Seconds for all that is done for the image.
    """

    def __init__(self, silence: float, total: float) -> None:
        self._silence, self._end = silence, time.monotonic() + total

    def is_over(self) -> bool:
        """Tells whether no time is left."""
        return time.monotonic() >= self._end

    def seconds(self) -> float:
        """How long the next step may take.

        Raises:
            TimeoutError: No time is left.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return min(self._silence, left)


class Link:
    """A connected socket with the methods that `http.client` calls; whoever opened the socket closes it.

    Args:
        connected: The socket.
        clock: Looked at before each step.
        most_bytes: Bytes that may be received.
    """

    def __init__(self, connected: socket.socket, clock: Clock, most_bytes: int) -> None:
        self._socket, self._clock, self._left = connected, clock, most_bytes

    def sendall(self, data: bytes) -> None:
        """Sends."""
        self._socket.settimeout(self._clock.seconds())
        self._socket.sendall(data)

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:
        """What is received, as a file; `mode` is always rb."""
        return io.BufferedReader(_Received(self))

    def close(self) -> None:
        """Does nothing."""

    def receive_into(self, buffer: Any) -> int:
        """Receives once.

        Raises:
            RefusedImageError: More came than may be received.
            TimeoutError: Nothing came in time.
        """
        self._socket.settimeout(self._clock.seconds())
        count = self._socket.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise RefusedImageError("the server's answer is too long")
        return count


class _Received(io.RawIOBase):
    def __init__(self, link: Link) -> None:
        self._link = link

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._link.receive_into(buffer)


@dataclass(frozen=True)
class Opened:
    """A connection on which a URL can be asked for.

    Attributes:
        link: The connection.
        target: What the request's first line names.
        headers: What a proxy wants to be told.
    """

    link: Link
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Connector:
    """Opens connections.

    Args:
        allow_private: Whether private addresses may be connected to.
    """

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private

    @functools.cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # which reads all the system's certificates, so once

    @contextlib.contextmanager
    def open(self, url: ada_url.URL, clock: Clock, most_bytes: int) -> Iterator[Opened]:
        """Connects to a URL's server, or to the proxy that the environment names for it.

        Args:
            url: http or https.
            clock: How long everything may take.
            most_bytes: Bytes that may be received on the connection.

        Raises:
            RefusedImageError: The server is private.
            OSError: There is no connection.
            UnicodeError: The host is no name that can be resolved.
        """
        host, port = url.hostname.strip("[]"), int(url.port or _PORTS[url.protocol])
        target = (url.pathname or "/") + url.search
        with contextlib.ExitStack() as stack:
            proxy = _proxy_for(url)
            if proxy is None:
                connected = stack.enter_context(self._connect(host, port, clock, self._allow_private))
                headers: dict[str, str] = {}
            else:
                if not self._allow_private and names_a_private_host(host):
                    raise _private()
                headers = _proxy_login(proxy)
                proxy_port = int(proxy.port or _PORTS[proxy.protocol])
                connected = stack.enter_context(self._connect(proxy.hostname.strip("[]"), proxy_port, clock, True))
                if url.protocol == "https:":
                    _tunnel(Link(connected, clock, most_bytes), f"{url.hostname}:{port}", headers)
                    headers = {}
                else:
                    target = f"http://{url.host}{target}"
            if url.protocol == "https:":
                connected.settimeout(clock.seconds())
                connected = stack.enter_context(self._context.wrap_socket(connected, server_hostname=host))
            yield Opened(Link(connected, clock, most_bytes), target, headers)

    def _connect(self, host: str, port: int, clock: Clock, allow_private: bool) -> socket.socket:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # One private address is enough: a name that has both is there to be looked at with the one and used with the
        # other.
        if not allow_private and not all(is_public(str(address[0])) for *_, address in found):
            raise _private()
        problem: OSError = OSError("no address")
        for family, kind, protocol, _, address in found:
            seconds = clock.seconds()
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


def _private() -> RefusedImageError:
    return RefusedImageError("private address (see --allow-private-addresses)")


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


def _proxy_login(proxy: ada_url.URL) -> dict[str, str]:
    if not proxy.username:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password)}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode()}"}


def _tunnel(link: Link, server: str, headers: Mapping[str, str]) -> None:
    """Asks a proxy for a connection (RFC 9110, section 9.3.6)."""
    lines = [f"CONNECT {server} HTTP/1.1", f"Host: {server}", *(f"{name}: {value}" for name, value in headers.items())]
    link.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
    # Its interface is that of a socket only as far as `http.client` goes.
    answer = http.client.HTTPResponse(link, method="CONNECT")  # type: ignore[arg-type]
    answer.begin()
    if answer.status != 200:
        raise OSError(f"the proxy says HTTP {answer.status}")
