"""The PDQ hashes of folders of evaluation images, which training mustn't see."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.images.decoding import require_packages
from metaclip_curate.images.fingerprint import PictureHash, picture_hash
from metaclip_curate.storage import StorageOptions

_EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_FILES_AT_ONCE = 64


@dataclass(frozen=True)
class BenchmarkImages:
    """A folder of images.

    Attributes:
        names: Names of the images that can be decoded, relative to the folder above.
        hashes: Their PDQ hashes.
    """

    names: tuple[str, ...]
    hashes: tuple[str, ...]


def benchmark_files(folder: str, options: StorageOptions) -> list[str]:
    """Returns the names of the images below a folder, sorted.

    Raises:
        UserError: There are none.
    """
    names = storage.list_folder(folder, options, recursive=True)
    found = sorted(name for name in names if name.lower().endswith(_EXTENSIONS))
    if not found:
        raise UserError(
            f"--benchmark {folder} has no images ({', '.join(_EXTENSIONS)}): name the folder of an evaluation's images"
        )
    return found


def benchmark_digest(folder: str, options: StorageOptions) -> str:
    """Returns a SHA-256 of the names of the images below a folder, which are too many to read for it.

    Raises:
        UserError: There are none.
    """
    return hashlib.sha256("\n".join(benchmark_files(folder, options)).encode()).hexdigest()


def read_benchmark(
    folder: str, options: StorageOptions, log: Callable[[str], None], processes: int = 0
) -> BenchmarkImages:
    """Hashes the images below a folder. Those that can't be decoded are named in a warning.

    Args:
        folder: Path or URL of the folder.
        options: Credentials and limits for reading it.
        log: Receives the warning.
        processes: Number of processes; 0 for one a core.

    Raises:
        UserError: There are no images, or none can be decoded.
    """
    require_packages("pdqhash", "PIL")
    names = benchmark_files(folder, options)
    found = list(_hash_all([storage.join(folder, name) for name in names], options, processes))
    broken = [(name, each.error) for name, each in zip(names, found, strict=True) if each.error]
    if len(broken) == len(names):
        name, error = broken[0]
        raise UserError(
            f"--benchmark {folder} has no image that can be decoded, such as {name} ({error}): name the folder of an "
            "evaluation's images"
        )
    if broken:
        name, error = broken[0]
        log(
            f"rebalance: {len(broken):,} of {len(names):,} images in --benchmark {folder} can't be decoded, such as "
            f"{name} ({error}), and aren't looked for"
        )
    above = folder.rstrip("/").rsplit("/", 1)[-1]
    whole = [(f"{above}/{name}", each.pdq) for name, each in zip(names, found, strict=True) if each.pdq]
    return BenchmarkImages(tuple(name for name, _ in whole), tuple(pdq for _, pdq in whole))


def _hash_all(urls: Sequence[str], options: StorageOptions, processes: int) -> Iterator[PictureHash]:
    read = partial(_hash, options=options)
    processes = min(processes or os.cpu_count() or 1, -(-len(urls) // _FILES_AT_ONCE))
    if processes <= 1:
        yield from map(read, urls)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(read, urls, chunksize=_FILES_AT_ONCE)


def _hash(url: str, options: StorageOptions) -> PictureHash:
    try:
        return picture_hash(storage.read_bytes(url, options))
    except FileNotFoundError:
        return PictureHash("gone since the folder was listed")
