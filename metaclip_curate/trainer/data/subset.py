"""The pairs of one manifest among those of another's download, as needed after rebalancing."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.balance import uid_words
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_input import cast_table, open_parquet

_BUCKET_ROWS = 1 << 22  # 64 MiB
_REMEDY = "restore it from a copy, or make the table again"
_UIDS = pa.schema([("uid", pa.string())])


class UidSet:
    """Sorted uids in a file that is mapped into memory, which all processes of a machine share.

    The file has the first words of all uids in ascending order, then their last words, 16 bytes a uid.

    Args:
        path: The file.
        temporary: Whether to remove the file when this object is no longer used.
    """

    def __init__(self, path: str, temporary: bool = False) -> None:
        self._path = path
        words = np.memmap(path, dtype=np.uint64, mode="r").reshape(2, -1)
        self._first, self._last, self._xor = words[0, :-1], words[1, :-1], words[:, -1]
        if temporary:
            weakref.finalize(self, Path(path).unlink, missing_ok=True)

    def __len__(self) -> int:
        return len(self._first)

    def __reduce__(self) -> tuple[type[UidSet], tuple[str]]:
        # A worker that is started anew maps the file and leaves it to its parent.
        return UidSet, (self._path,)

    @property
    def digest(self) -> bytes:
        """The exclusive or of all uids."""
        return self._xor.tobytes()

    def contains(self, uids: pa.Array) -> npt.NDArray[np.bool_]:
        """Returns for each uid whether the set has it, shape (uids,)."""
        words = uid_words(uids)
        found = np.zeros(len(words), dtype=bool)
        order = np.argsort(words[:, 0])  # neighbours in the file are asked for together
        ascending = words[order]
        first = np.searchsorted(self._first, ascending[:, 0])
        # Two uids with the same first half are adjacent; three of them don't occur among 2^64.
        for offset in (0, 1):
            index = np.minimum(first + offset, len(self) - 1)
            found[order] |= (self._first[index] == ascending[:, 0]) & (self._last[index] == ascending[:, 1])
        return found


def read_uids(manifest: str, options: StorageOptions | None = None, cache: str = "") -> UidSet:
    """Reads and sorts the uids of a manifest, of which a few million at a time are in memory.

    Args:
        manifest: The folder of its Parquet files.
        options: Credentials and limits for reading the folder.
        cache: Folder in which the sorted file is kept and found again. Default: a temporary file.

    Raises:
        UserError: The manifest has no pairs.
    """
    options = options or StorageOptions()
    sizes = {name: size for name, size in storage.file_sizes(manifest, options).items() if name.endswith(".parquet")}
    digest = hashlib.sha256(json.dumps([manifest, sorted(sizes.items())]).encode()).hexdigest()[:16]
    target = Path(cache or tempfile.gettempdir()) / f"manifest-uids-{digest}.bin"
    if cache and target.exists():
        return UidSet(str(target))
    urls = [storage.join(manifest, name) for name in sorted(sizes)]
    with tempfile.TemporaryDirectory(dir=_made(cache) if cache else None) as folder:
        buckets = _split(urls, manifest, options, Path(folder))
        if not cache:
            handle, name = tempfile.mkstemp(prefix="manifest-uids-")
            os.close(handle)
            _write_sorted(buckets, Path(name), manifest)
            return UidSet(name, temporary=True)
        _write_sorted(buckets, target, manifest)
    return UidSet(str(target))


def _made(folder: str) -> str:
    Path(folder).mkdir(parents=True, exist_ok=True)
    return folder


def _split(urls: Sequence[str], manifest: str, options: StorageOptions, folder: Path) -> list[Path]:
    """Distributes uids over files by their leading bits, so that each file can be sorted by itself."""
    rows = 0
    for url in urls:
        with open_parquet(url, options, _REMEDY, ()) as file:
            rows += file.metadata.num_rows
    bits = max(0, (rows // _BUCKET_ROWS).bit_length())
    paths = [folder / f"{number}.bin" for number in range(2**bits)]
    for url in urls:
        uids = cast_table(read_parquet(url, ["uid"], options), _UIDS, manifest)["uid"].drop_null()
        words = uid_words(uids.combine_chunks()) if len(uids) else np.empty((0, 2), np.uint64)
        numbers = words[:, 0] >> np.uint64(64 - bits) if bits else np.zeros(len(words), np.uint64)
        order = np.argsort(numbers, kind="stable")
        ends = np.searchsorted(numbers[order], np.arange(len(paths), dtype=np.uint64), side="right")
        for path, part in zip(paths, np.split(words[order], ends[:-1]), strict=True):
            with path.open("ab") as bucket:
                part.tofile(bucket)
    return paths


def _write_sorted(buckets: Sequence[Path], target: Path, manifest: str) -> None:
    total = sum(bucket.stat().st_size for bucket in buckets if bucket.exists()) // 16
    if not total:
        target.unlink(missing_ok=True)
        raise UserError(f"{manifest} has no pairs: name the manifest of a run")
    unfinished = target.with_suffix(".unfinished")
    words = np.memmap(unfinished, dtype=np.uint64, mode="w+", shape=(2, total + 1))
    start, xor = 0, np.zeros(2, dtype=np.uint64)
    for bucket in buckets:
        uids = np.fromfile(bucket, dtype=np.uint64).reshape(-1, 2)
        words[:, start : start + len(uids)] = uids[np.lexsort((uids[:, 1], uids[:, 0]))].T
        xor ^= np.bitwise_xor.reduce(uids, axis=0, initial=np.uint64(0))
        start += len(uids)
    words[:, total] = xor
    words.flush()
    unfinished.replace(target)


def read_parquet(url: str, columns: Sequence[str], options: StorageOptions) -> pa.Table:
    """Reads columns of a Parquet file in any store."""
    with open_parquet(url, options, _REMEDY, columns) as file:
        return file.read(list(columns))
