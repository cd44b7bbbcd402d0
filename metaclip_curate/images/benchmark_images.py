"""Folders of evaluation images, which training mustn't see, and their PDQ hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property, partial

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.images.benchmark_hashes import BenchmarkHashes
from metaclip_curate.images.decoding import require_packages
from metaclip_curate.images.fingerprint import PictureHash, picture_hash
from metaclip_curate.schemas import BENCHMARK_HASHES
from metaclip_curate.storage import StorageOptions, public_name
from metaclip_curate.storage.file_identity import file_state

_EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_FILES_AT_ONCE = 64
_GONE = "gone since the folder was listed"
# Images after which hashes are kept.
_PIECE = 10_000

Log = Callable[[str], None]


@dataclass(frozen=True)
class BenchmarkImages:
    """The images of a folder that can be decoded.

    Attributes:
        names: Their names, relative to the folder above, length n.
        hashes: Their PDQ hashes, length n.
    """

    names: pa.StringArray
    hashes: pa.StringArray


class BenchmarkFolder:
    """A folder of evaluation images.

    Args:
        url: Path or URL of the folder.
        options: Credentials and limits for reading it.
    """

    def __init__(self, url: str, options: StorageOptions) -> None:
        self._url, self._name, self._options = url, public_name(url), options

    @property
    def digest(self) -> str:
        """A SHA-256 of the images' names and sizes, since they are too many to read for it.

        Raises:
            UserError: There are none.
        """
        lines = (f"{name} {size}" for name, size in self._sizes.items())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @cached_property
    def _sizes(self) -> dict[str, int]:
        sizes = storage.file_sizes(self._url, self._options, recursive=True)
        found = {name: sizes[name] for name in sorted(sizes) if name.lower().endswith(_EXTENSIONS)}
        if not found:
            raise UserError(
                f"--benchmark {self._name} has no images ({', '.join(_EXTENSIONS)}): name the folder of an "
                "evaluation's images"
            )
        return found

    def read(self, kept: BenchmarkHashes, log: Log, warn: Log | None = None, processes: int = 0) -> BenchmarkImages:
        """Hashes the images of which no hash is kept. Those that can't be decoded are named in a warning.

        Args:
            kept: The hashes of earlier commands.
            log: Receives lines about progress.
            warn: Receives the warning. Default: `log`.
            processes: Number of processes; 0 for one a core.

        Raises:
            UserError: There are no images, or none can be decoded.
        """
        require_packages("pdqhash", "PIL")
        files = pa.table({"name": list(self._sizes), "state": [self._state(name) for name in self._sizes]})
        found = kept.of(files)
        missing = files.join(found.select(["name"]), "name", join_type="left anti").sort_by("name")
        if found.num_rows:
            log(f"rebalance: the hashes of {found.num_rows:,} images in --benchmark {self._name} were kept before")
        if missing.num_rows:
            log(f"rebalance: hashing {missing.num_rows:,} images in --benchmark {self._name}")
            found = pa.concat_tables([found, *self._hash_all(missing, kept, log, processes)])
        return self._readable(found.sort_by("name"), warn or log)

    def _state(self, name: str) -> str:
        return file_state(storage.join(self._url, name), self._sizes[name])

    def _hash_all(self, files: pa.Table, kept: BenchmarkHashes, log: Log, processes: int) -> Iterator[pa.Table]:
        urls = [storage.join(self._url, name) for name in files.column("name").to_pylist()]
        hashes = _hashes(urls, self._options, processes)
        writable = True
        for start in range(0, len(urls), _PIECE):
            piece = files.slice(start, _PIECE)
            rows = [next(hashes) for _ in range(piece.num_rows)]
            columns = [*piece.columns, [each.error for each in rows], [each.pdq for each in rows]]
            table = pa.table(columns, schema=BENCHMARK_HASHES)
            if start + _PIECE < len(urls):
                log(f"rebalance: {start + _PIECE:,} of {len(urls):,} images hashed")
            if writable:
                writable = _keep(table.filter(pc.not_equal(table.column("error"), _GONE)), kept, log)
            yield table

    def _readable(self, images: pa.Table, log: Log) -> BenchmarkImages:
        """Returns the images that have a hash."""
        broken = images.filter(pc.not_equal(images.column("error"), ""))
        if broken.num_rows:
            example = f"such as {broken.column('name')[0]} ({broken.column('error')[0]})"
            if broken.num_rows == images.num_rows:
                raise UserError(
                    f"--benchmark {self._name} has no image that can be decoded, {example}: name the folder of an "
                    "evaluation's images"
                )
            log(
                f"rebalance: {broken.num_rows:,} of {images.num_rows:,} images in --benchmark {self._name} can't be "
                f"decoded, {example}, and aren't looked for"
            )
        whole = images.filter(pc.equal(images.column("error"), "")).combine_chunks()
        above = self._name.rstrip("/").rsplit("/", 1)[-1]
        names = pc.binary_join_element_wise(above, whole.column("name").combine_chunks(), "/")
        return BenchmarkImages(names, whole.column("pdq").combine_chunks())


def _keep(rows: pa.Table, kept: BenchmarkHashes, log: Log) -> bool:
    """Keeps hashes, and returns whether that was possible."""
    try:
        kept.add(rows)
    except UserError as error:
        log(f"rebalance: the hashes can't be kept for another time: {error}")
        return False
    return True


def _hashes(urls: Sequence[str], options: StorageOptions, processes: int) -> Iterator[PictureHash]:
    read = partial(_hash, options=options)
    processes = min(processes or os.cpu_count() or 1, -(-len(urls) // _FILES_AT_ONCE))
    if processes <= 1:
        yield from map(read, urls)
        return
    try:
        with ProcessPoolExecutor(processes) as pool:
            yield from pool.map(read, urls, chunksize=_FILES_AT_ONCE)
    except BrokenProcessPool as error:
        raise JobFailedError(
            "a process that hashes images was killed, perhaps for its memory: the same command goes on"
        ) from error


def _hash(url: str, options: StorageOptions) -> PictureHash:
    try:
        return picture_hash(storage.read_bytes(url, options))
    except FileNotFoundError:
        return PictureHash(_GONE)
