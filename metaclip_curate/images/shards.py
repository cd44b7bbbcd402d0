"""The folder that img2dataset writes: webdataset shards, a Parquet file and statistics of each, and open_clip's sizes.

img2dataset takes every .json file beside the shards for one of its own. So `sizes.json` is removed while it runs, and
whatever else belongs to the download is in the subfolder `_download`.
"""

from __future__ import annotations

import contextlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions

_SIZES = "sizes.json"
_WORK = "_download"
_STATS = re.compile(r"\d+_stats\.json")
_READERS = 16


class ShardFolder:
    """A folder of shards.

    Args:
        url: Path or URL of the folder.
        options: Credentials and limits for reading and writing it.
    """

    def __init__(self, url: str, options: StorageOptions) -> None:
        self._url, self._options = url, options

    def work(self, name: str) -> str:
        """Returns the path or URL of a file or folder that isn't img2dataset's."""
        return storage.join(self._url, _WORK, name)

    def finished(self) -> list[str]:
        """Returns the names of the finished shards' statistics, which img2dataset writes last."""
        return [name for name in storage.list_folder(self._url, self._options) if _STATS.fullmatch(name)]

    def stats(self, names: list[str]) -> list[dict[str, Any]]:
        """Reads the statistics of finished shards.

        Args:
            names: Names from `finished`.

        Raises:
            UserError: A file is damaged.
        """

        def read(name: str) -> dict[str, Any]:
            return self.read_json(storage.join(self._url, name), "remove it, and the same command fetches the shard")

        with ThreadPoolExecutor(_READERS) as pool:
            return list(pool.map(read, names))

    def read_json(self, url: str, remedy: str) -> dict[str, Any]:
        """Reads a JSON object.

        Args:
            url: Path or URL of the file.
            remedy: What the message about a damaged file says to do.

        Raises:
            FileNotFoundError: There is no such file.
            UserError: The file isn't a JSON object.
        """
        try:
            read = json.loads(storage.read_bytes(url, self._options))
        except ValueError as error:  # neither UTF-8 nor JSON
            raise UserError(f"{url} is damaged: {remedy}") from error
        if not isinstance(read, dict):
            raise UserError(f"{url} is damaged: {remedy}")
        return read

    def remove_sizes(self) -> None:
        """Removes `sizes.json`, before img2dataset runs."""
        import fsspec

        with contextlib.suppress(FileNotFoundError):
            file_system, path = fsspec.core.url_to_fs(storage.join(self._url, _SIZES))
            file_system.rm(path)

    def write_sizes(self, names: list[str]) -> None:
        """Writes `sizes.json`: the number of samples in each tar, where open_clip looks for it."""
        sizes = {
            name.replace("_stats.json", ".tar"): shard["successes"]
            for name, shard in zip(names, self.stats(names), strict=True)
        }
        data = json.dumps(sizes, indent=1).encode() + b"\n"
        storage.write_bytes(storage.join(self._url, _SIZES), data, self._options)
