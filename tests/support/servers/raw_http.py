"""A server that sends what no web server would, as fast or as slowly as a test likes."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable


class RawServer:
    """Answers each connection with pieces of bytes. Use as a context manager.

    Args:
        pieces: Makes what is sent to a connection; it may be endless.
        pause: Seconds between two pieces.
    """

    def __init__(self, pieces: Callable[[], Iterable[bytes]], pause: float = 0.0) -> None:
        self.connections = 0
        self._pieces = pieces
        self._pause = pause
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT/a"""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/a"

    def __enter__(self) -> RawServer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(1 << 16)
                for piece in self._pieces():
                    if self._closing.is_set():
                        return
                    connection.sendall(piece)
                    time.sleep(self._pause)
            except OSError:  # the client has had enough
                return


def byte_by_byte(*parts: bytes) -> Iterable[bytes]:
    """What is sent at once, and then the rest one byte at a time."""
    at_once, slowly = parts
    return itertools.chain([at_once], (bytes([byte]) for byte in slowly))
