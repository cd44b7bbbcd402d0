"""The options of `metaclip-curate download`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options import flag, option

Table = Literal["manifest", "matched"]
ResizeMode = Literal["keep_ratio", "center_crop", "border", "keep_ratio_largest", "no"]


@dataclass(frozen=True)
class DownloadOptions:
    """What is fetched, and how."""

    output: str = option("", "the folder for the shards; the same command again goes on with what is missing", False)
    table: Table = option("manifest", "the pairs that were drawn, or each matched image once with all its texts")
    processes: int = option(0, "processes, each with one shard at a time; 0: one for each core", False)
    threads: int = option(64, "requests at a time of each process", False)
    image_size: int = option(256, "pixels that --resize-mode resizes to")
    resize_mode: ResizeMode = option(
        "keep_ratio", "what becomes --image-size: the shorter side, or as img2dataset says"
    )
    upscale: bool = option(False, "resize smaller images as well")
    quality: int = option(95, "JPEG quality, from 0 to 100")
    samples_per_shard: int = option(10_000, "rows of a shard, those included whose image can't be fetched")
    retries: int = option(1, "times an image is asked for again", False)
    timeout: int = option(10, "seconds that a server may be silent", False)
    user_agent: str = option("metaclip-curate", "the name in the User-Agent header", False)
    ignore_opt_out: bool = option(False, "keep images whose answer says noai, noimageai, noindex or noimageindex")

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name the folder for the shards")
        least = {"processes": 0, "retries": 0, "quality": 0}
        for name in ("processes", "threads", "image_size", "quality", "samples_per_shard", "retries", "timeout"):
            if getattr(self, name) < least.get(name, 1):
                raise UserError(f"{flag(name)} must be at least {least.get(name, 1)}")
        if self.quality > 100:
            raise UserError(f"--quality must be at most 100, not {self.quality}")
