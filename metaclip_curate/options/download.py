"""The options of `metaclip-curate download`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import flag, option

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
    "max_image_bytes": (1, 2**31 - 1),  # OpenCV decodes no longer ones
}


@dataclass(frozen=True)
class DownloadOptions:
    """What is fetched, and how."""

    output: str = option(
        "", "the folder for the shards; the same command again goes on with what is missing", changes_output=False
    )
    table: Table = option("manifest", "the pairs that were drawn, or each matched image once with all its texts")
    processes: int = option(0, "processes, each with one shard at a time; 0: one for each core", changes_output=False)
    threads: int = option(64, "requests at a time of each process", changes_output=False)
    image_size: int = option(256, "pixels that --resize-mode resizes to")
    resize_mode: ResizeMode = option(
        "keep_ratio", "what becomes --image-size: the shorter side, or as img2dataset says"
    )
    upscale: bool = option(False, "resize smaller images as well")
    quality: int = option(95, "JPEG quality, from 0 to 100")
    samples_per_shard: int = option(10_000, "rows of a shard, those included whose image can't be fetched")
    retries: int = option(1, "times an image is asked for again", changes_output=False)
    timeout: int = option(10, "seconds that a server may be silent", changes_output=False)
    image_timeout: int = option(
        60, "seconds that one image may take, redirects and repetitions included", changes_output=False
    )
    max_image_bytes: int = option(32 << 20, "give up image files longer than this many bytes, packed or unpacked")
    allow_private_addresses: bool = option(
        False, "connect to loopback, link-local and private addresses too, which the web's URLs have no business with"
    )
    user_agent: str = option("metaclip-curate", "the name in the User-Agent header", changes_output=False)
    ignore_opt_out: bool = option(False, "keep images whose answer says noai, noimageai, noindex or noimageindex")

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name the folder for the shards")
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if value < least:
                raise UserError(f"{flag(name)} must be at least {least}, not {value}")
            if value > most:
                raise UserError(f"{flag(name)} must be at most {most}, not {value}")
