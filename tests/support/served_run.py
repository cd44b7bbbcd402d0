"""A finished run whose images a server on loopback has, some of them wrong in every way the web knows."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from tests.support import made_run, oracle
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer

Rows = list[dict[str, Any]]

SIZE = (60, 40)
HUGE = 50_000  # bytes, more than any picture has
_WAYS = (
    "ok",
    "missing",
    "moved",
    "slow",
    "html",
    "truncated",
    "cut off",
    "huge",
    "noai",
    "noai among others",
    "reserved",
    "small",
    "transparent",
)
_WORDS = ("a dog", "Straßenbahn", "кошка", "قطة", "แมว", "猫")


def picture(number: int, size: tuple[int, int] = SIZE, kind: str = "JPEG") -> bytes:
    """A picture of noise, which is large for its size; PNGs are half transparent."""
    file = io.BytesIO()
    image = Image.effect_noise(size, 10 + number % 200).convert("RGB")
    if kind == "PNG":
        image.putalpha(128)
    image.save(file, kind)
    return file.getvalue()


def write_run(root: Path, server: FaultyHTTPServer, images: int, t: int = 20, faulty: bool = True) -> dict[str, Rows]:
    """Writes a run of pairs whose images are served.

    Args:
        root: The run folder.
        server: Gets the images, and their faults.
        images: How many images.
        t: The threshold.
        faulty: Whether images go wrong, each in the way that `way_of` says.

    Returns:
        The rows of its tables.
    """
    matched = made_run.matched_rows(images, seed=3)
    for number, row in enumerate(matched):
        place = int(row["url"].rsplit("/", 1)[1].removesuffix(".jpg"))
        row["url"] = _serve(server, place, _WAYS[place % len(_WAYS)] if faulty else "ok")
        row["text"] = f"{_WORDS[number % len(_WORDS)]} {row['text']}"
        row["image_id"] = oracle.image_id_of(row["url"])
        row["uid"] = oracle.uid_of(row["url"], row["text"])
    return made_run.write_run(root, matched, t=t)


def way_of(url: str) -> str:
    """How an image goes wrong."""
    return _WAYS[int(url.rsplit("/", 1)[1].partition(".")[0]) % len(_WAYS)]


def _serve(server: FaultyHTTPServer, place: int, way: str) -> str:
    path = f"/{place}.jpg"
    if way == "missing":
        return server.url + path
    body = picture(place)
    faults: dict[str, Fault] = {
        "moved": Fault(status=302, headers={"Location": server.add(f"/moved-{place}.jpg", body)}),
        "slow": Fault(after=100, ending="stall"),
        "cut off": Fault(after=len(body) // 2),
        "noai": Fault(headers={"X-Robots-Tag": "noai"}),
        "noai among others": Fault(headers={"X-Robots-Tag": "max-image-preview:large, noai"}),
        "reserved": Fault(headers={"tdm-reservation": "1"}),
    }
    bodies = {
        "html": b"<html><body>not found</body></html>",
        "huge": bytes(HUGE),
        "truncated": body[: len(body) // 2],
        "small": picture(place, (12, 9)),
        "transparent": picture(place, kind="PNG"),
    }
    return server.add(path, bodies.get(way, body), [faults[way]] * 40 if way in faults else [])
