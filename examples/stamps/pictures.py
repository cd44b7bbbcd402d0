"""The images on the pages: stamps on varying backgrounds, in varying sizes and positions."""

from __future__ import annotations

import contextlib
import functools
import io
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from examples.hashed_draws import hashed_fractions
from examples.stamps.collection import Stamp

SIZE = 64
_CACHED = 1000


def compose(stamps: Sequence[Stamp], subject: int, number: int, seed: int) -> bytes:
    """Makes an image of a subject.

    Args:
        stamps: The subjects.
        subject: Index of the subject.
        number: Number of the image. Images with other numbers look different.
        seed: Seed of the variation.

    Returns:
        A JPEG file of 64 x 64 pixels.
    """
    red, green, blue, red2, green2, blue2, size, x, y, flip, light, colour = hashed_fractions(12, seed, number).tolist()
    slope = np.linspace(0, 1, SIZE)[:, None, None]
    ground = (1 - slope) * np.array([red, green, blue]) + slope * np.array([red2, green2, blue2])
    image = Image.fromarray(np.broadcast_to(255 * ground, (SIZE, SIZE, 3)).astype(np.uint8))
    stamp = _stamp(stamps[subject].picture.as_posix())
    scale = (0.6 + 0.4 * size) * SIZE / max(stamp.size)
    stamp = stamp.resize((max(1, round(stamp.width * scale)), max(1, round(stamp.height * scale))))
    if flip < 0.5:
        stamp = ImageOps.mirror(stamp)
    position = (round(x * (SIZE - stamp.width)), round(y * (SIZE - stamp.height)))
    image.paste(stamp, position, stamp)
    image = ImageEnhance.Brightness(image).enhance(0.7 + 0.6 * light)
    image = ImageEnhance.Color(image).enhance(0.6 + 0.8 * colour)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    return file.getvalue()


@functools.lru_cache(_CACHED)
def _stamp(path: str) -> Image.Image:
    with Image.open(path) as file:
        stamp = file.convert("RGBA")
    stamp.thumbnail((2 * SIZE, 2 * SIZE))
    return stamp


@contextlib.contextmanager
def serving(stamps: Sequence[Stamp], port: int, seed: int) -> Iterator[None]:
    """Serves http://127.0.0.1:PORT/SUBJECT/NUMBER.jpg."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            subject, _, number = self.path.strip("/").removesuffix(".jpg").partition("/")
            body = compose(stamps, int(subject), int(number), seed)
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
