"""Small pictures of a sample of the images that a download stored."""

from __future__ import annotations

import heapq
import io
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.images.decoding import BrokenImageError, decode, require_packages
from metaclip_curate.images.stored_images import Shard, list_shards, stored_images
from metaclip_curate.storage import StorageOptions

MOST = 200
_SIDE = 160
_QUALITY = 60
_SHARDS = 10


@dataclass(frozen=True)
class Thumbnail:
    """A small picture.

    Attributes:
        uid: The uid of its pair.
        jpeg: The picture as a JPEG file.
        width: Width in pixels, at most 160.
        height: Height in pixels, at most 160.
    """

    uid: str
    jpeg: bytes
    width: int
    height: int


def thumbnails(
    folder: str, options: StorageOptions, known: Callable[[Collection[str]], Collection[str]], most: int = MOST
) -> list[Thumbnail]:
    """Makes small pictures of some images, chosen by a hash of shard and uid.

    Args:
        folder: Path or URL of the folder that img2dataset wrote.
        options: Credentials and limits for reading it.
        known: Returns those of several uids whose pictures may be shown.
        most: Largest number of pictures.

    Returns:
        Pictures in the order of the hash. Images that can't be decoded are left out.

    Raises:
        UserError: Pillow is missing, the folder has no tables of img2dataset, or none of its images may be shown.
    """
    require_packages("PIL")
    shards = sorted(list_shards(folder, options), key=lambda shard: _hash(shard.name))
    share = -(-most // min(len(shards), _SHARDS))
    found: list[Thumbnail] = []
    for shard in shards:
        if len(found) < most:
            found += _of_shard(shard, options, known, min(share, most - len(found)))
    if not found:
        raise UserError(f"{folder} has no image of this run's manifest: name the folder of its download")
    return sorted(found, key=lambda each: _hash(each.uid))


def _of_shard(
    shard: Shard, options: StorageOptions, known: Callable[[Collection[str]], Collection[str]], number: int
) -> list[Thumbnail]:
    fetched = ((image.row.get("uid"), image.data) for image in stored_images(shard, options))
    stored = ((uid, data) for uid, data in fetched if uid and data)
    # Some can't be decoded, or may not be shown.
    sample = heapq.nsmallest(2 * number, stored, key=lambda pair: _hash(pair[0]))
    shown = known([uid for uid, _ in sample])
    made = (_thumbnail(uid, data) for uid, data in sample if uid in shown)
    return [each for each in made if each][:number]


def _thumbnail(uid: str, data: bytes) -> Thumbnail | None:
    try:
        image = decode(data)
    except BrokenImageError:
        return None
    image.thumbnail((_SIDE, _SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return Thumbnail(uid, out.getvalue(), image.width, image.height)


def _hash(name: str) -> int:
    return zlib.crc32(name.encode())
