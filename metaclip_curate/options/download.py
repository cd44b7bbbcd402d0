"""The options of `download`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, option

Table = Literal["manifest", "matched"]
ResizeMode = Literal["keep_ratio", "center_crop", "border", "keep_ratio_largest", "no"]

_A_DAY = 86_400
_RANGES = {
    "processes": (0, 4096),
    "threads": (1, 4096),
    "image_size": (1, 65_535),  # JPEG's longest side
    "quality": (0, 100),
    "samples_per_shard": (1, 10**9),
    "retries": (0, 1000),
    "timeout": (1, _A_DAY),
    "image_timeout": (1, _A_DAY),
    "max_image_bytes": (1, 2**31 - 1),  # OpenCV decodes no longer files
}


@dataclass(frozen=True)
class DownloadOptions:
    """Which images are fetched, and how."""

    output: str = option(
        "",
        "folder for the shards; the same command again fetches what is missing",
        metavar="PATH",
        required=True,
        changes_output=False,
    )
    table: Table = option("manifest", "fetch the pairs that were drawn, or each matched image once with all its texts")
    processes: int = option(
        0, "number of processes, each with a shard at a time; 0: one for each core", metavar="N", changes_output=False
    )
    threads: int = option(64, "number of concurrent requests of a process", metavar="N", changes_output=False)
    image_size: int = option(256, "size to which --resize-mode resizes", metavar="PIXELS")
    resize_mode: ResizeMode = option(
        "keep_ratio",
        "what --image-size is the size of: keep_ratio means the shorter side, the others as in img2dataset",
    )
    upscale: bool = option(False, "also resize smaller images")
    quality: int = option(95, "JPEG quality, from 0 to 100", metavar="N")
    samples_per_shard: int = option(
        10_000, "number of rows in a shard, including those whose image can't be fetched", metavar="N"
    )
    retries: int = option(1, "number of further attempts for an image", metavar="N", changes_output=False)
    timeout: int = option(10, "time that a server may take to send a byte", metavar="SECONDS", changes_output=False)
    image_timeout: int = option(
        60, "time that an image may take, with redirects and attempts", metavar="SECONDS", changes_output=False
    )
    max_image_bytes: int = option(32 << 20, "skip image files longer than this, compressed or not", metavar="BYTES")
    allow_private_addresses: bool = option(
        False, "also connect to loopback, link-local and private addresses, to which no URL of the web should lead"
    )
    faces: str = option(
        "",
        "Parquet file with boxes to blur: uid and boxes, a list of [left, top, right, bottom] as shares from 0 to 1",
        metavar="PATH",
        changes_output=False,
    )
    user_agent: str = option("metaclip-curate", "name in the User-Agent header", metavar="NAME", changes_output=False)
    ignore_opt_out: bool = option(
        False, "also keep images whose response says noai, noimageai, noindex or noimageindex"
    )

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name the folder for the shards")
        if self.faces and self.table != "manifest":
            raise UserError("--faces is of the pairs of --table manifest: leave one of them out")
        for name, (least, most) in _RANGES.items():
            check_range(name, getattr(self, name), least, most)
