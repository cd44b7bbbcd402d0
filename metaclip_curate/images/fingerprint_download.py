"""Fingerprinting the images of a download, a shard at a time in each of several processes."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError
from metaclip_curate.images.decoding import require_packages
from metaclip_curate.images.fingerprint import PictureHash, picture_hash
from metaclip_curate.images.shard_tables import ShardTables
from metaclip_curate.images.stored_images import DAMAGED, Shard, StoredImage, list_shards, stored_images
from metaclip_curate.options.images import FingerprintOptions
from metaclip_curate.schemas import FINGERPRINTS
from metaclip_curate.storage import StorageOptions

# The folder of fingerprints in a downloaded folder. Readers of folders pass over names with an underscore.
FOLDER = "_fingerprints"


@dataclass(frozen=True)
class FingerprintSummary:
    """What a folder of fingerprints has.

    Attributes:
        output: The folder.
        shards: Number of shards.
        images: Number of images that were fetched.
        broken: Number of those that can't be decoded, by reason, the most frequent first.
        done_before: Number of shards that an earlier command had finished.
    """

    output: str
    shards: int
    images: int
    broken: Mapping[str, int]
    done_before: int


def fingerprint_download(
    options: FingerprintOptions, store: StorageOptions, log: Callable[[str], None]
) -> FingerprintSummary:
    """Writes the fingerprints of all images of a downloaded folder. Finished shards aren't read again.

    Args:
        options: The options.
        store: Credentials and limits for both folders.
        log: Receives lines about progress.

    Raises:
        UserError: A package is missing, or a folder or a shard can't be used.
        JobFailedError: A process was killed.
    """
    require_packages("pdqhash", "PIL")
    shards = list_shards(options.downloaded, store)
    _warn_of_unfinished(options.downloaded, shards, store, log)
    tables = fingerprint_tables(options.downloaded, options.output, store)
    tables.require_own(options.downloaded)
    missing = tables.missing(shards)
    before = len(shards) - len(missing)
    if before:
        log(f"images: {before:,} of {len(shards):,} shards were done before")
    counts: Counter[str] = Counter()
    damaged = []
    for number, found in enumerate(_write_all(missing, tables, options.processes, store), 1):
        counts.update(found)
        if found[DAMAGED]:
            damaged.append(missing[number - 1].url("tar"))
        broken = sum(count for reason, count in counts.items() if reason)
        log(
            f"images: {before + number:,} of {len(shards):,} shards read, {counts.total():,} images, "
            f"{broken:,} can't be decoded"
        )
    done = set(shards) - set(missing)
    for shard in sorted(done):
        errors = tables.read(shard).column("error").to_pylist()
        counts.update(errors)
        if DAMAGED in errors:
            damaged.append(shard.url("tar"))
    if damaged:
        log(
            f"images: {len(damaged):,} of {len(shards):,} shards have a tar that is cut off or damaged, such as "
            f"{min(damaged)}: remove their files and download again"
        )
    images = counts.total()
    counts.pop("", None)
    return FingerprintSummary(tables.url, len(shards), images, dict(counts.most_common()), before)


def _warn_of_unfinished(
    downloaded: str, shards: Sequence[Shard], store: StorageOptions, log: Callable[[str], None]
) -> None:
    """Logs a line about tars whose tables are missing, which img2dataset writes last."""
    tars = {name.removesuffix(".tar") for name in storage.list_folder(downloaded, store) if name.endswith(".tar")}
    if unfinished := sorted(tars - {shard.name for shard in shards}):
        log(
            f"images: {len(unfinished):,} of {len(tars):,} tars have no table and are passed over, such as "
            f"{unfinished[0]}.tar: img2dataset hasn't finished their shards"
        )


def fingerprint_tables(downloaded: str, output: str, store: StorageOptions) -> ShardTables:
    """Returns the fingerprints' folder.

    Args:
        downloaded: Path or URL of the download.
        output: Path or URL of the folder; empty for the one in the download.
        store: Credentials and limits for it.
    """
    return ShardTables(output or storage.join(downloaded, FOLDER), FINGERPRINTS, store)


def _write_all(
    shards: Sequence[Shard], tables: ShardTables, processes: int, store: StorageOptions
) -> Iterator[Counter[str]]:
    write = partial(write_fingerprints, tables=tables, store=store)
    processes = min(processes or os.cpu_count() or 1, len(shards))
    if processes <= 1:
        yield from map(write, shards)
        return
    try:
        with ProcessPoolExecutor(processes) as pool:
            yield from pool.map(write, shards)
    except BrokenProcessPool as error:
        raise JobFailedError(
            "a process was killed, perhaps for its memory: the same command goes on; try fewer --processes"
        ) from error


def write_fingerprints(shard: Shard, tables: ShardTables, store: StorageOptions) -> Counter[str]:
    """Writes the fingerprints of a shard.

    Args:
        shard: The shard.
        tables: The fingerprints' folder.
        store: Credentials and limits for reading the shard.

    Returns:
        Number of images by `error`.
    """
    hashed: dict[bytes, PictureHash] = {}
    rows = [_row(shard.name, image, hashed) for image in stored_images(shard, store)]
    tables.write(shard, pa.Table.from_pylist(rows, schema=FINGERPRINTS))
    return Counter(row["error"] for row in rows)


def _row(shard: str, image: StoredImage, hashed: dict[bytes, PictureHash]) -> dict[str, Any]:
    """Returns a row of FINGERPRINTS.

    Args:
        shard: Name of the shard.
        image: The image.
        hashed: Hashes of the shard's images by the digests of their files: equal files are decoded once.
    """
    row, data = image.row, image.data
    sha256, md5 = row["sha256"], row["md5"]
    if data is None:
        found = PictureHash(image.missing)
    else:
        digest = hashlib.sha256(data)
        found = hashed.get(digest.digest()) or hashed.setdefault(digest.digest(), picture_hash(data))
        # img2dataset's digests are of the files as they were fetched, which it then resizes and encodes again.
        of_md5 = hashlib.md5(data, usedforsecurity=False).hexdigest() if sha256 is None or md5 is None else md5
        as_fetched = sha256 in (None, digest.hexdigest()) and md5 in (None, of_md5)
        if as_fetched:
            sha256, md5 = digest.hexdigest(), of_md5
    return {
        "uid": row["uid"],
        "shard": shard,
        "key": row["key"],
        "sha256": sha256,
        "md5": md5,
        **found._asdict(),
        "width": row["original_width"] or found.width,
        "height": row["original_height"] or found.height,
    }
