"""The PDQ hashes of a folder of evaluation images, kept from one `rebalance` to the next.

ImageNet's training set takes one core an hour. The hashes lie in the folder of a download's fingerprints, a table for
each piece of the folder, so that a command that was interrupted goes on, and only new files are read.
"""

from __future__ import annotations

import hashlib
import io

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.schemas import BENCHMARK_HASHES
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_input import open_parquet
from metaclip_curate.storage.urls import location

_KEY = ["name", "state"]
_REMEDY = "remove it, and its images are hashed again"


class BenchmarkHashes:
    """The hashes that are kept of a folder of evaluation images.

    Args:
        fingerprints: Path or URL of the download's folder of fingerprints.
        benchmark: Path or URL of the folder of images.
        options: Credentials and limits for the folder of fingerprints.
    """

    def __init__(self, fingerprints: str, benchmark: str, options: StorageOptions) -> None:
        folder = f"_benchmark-{hashlib.sha256(location(benchmark).encode()).hexdigest()[:16]}"
        self._url, self._options = storage.join(fingerprints, folder), options

    def of(self, files: pa.Table) -> pa.Table:
        """Returns what is kept of files.

        Args:
            files: Name and state of each.

        Returns:
            Rows of BENCHMARK_HASHES, in any order: those of the files that are as they were when they were hashed.

        Raises:
            UserError: A table is damaged.
        """
        tables = [BENCHMARK_HASHES.empty_table()]
        for name in storage.list_parquet(self._url, self._options):
            with open_parquet(storage.join(self._url, name), self._options, _REMEDY) as file:
                tables.append(file.read(BENCHMARK_HASHES.names).cast(BENCHMARK_HASHES))
        # Two commands that ran at the same time have kept the same files.
        kept = (
            pa.concat_tables(tables).group_by(_KEY, use_threads=False).aggregate([("error", "first"), ("pdq", "first")])
        )
        return files.join(kept, _KEY, join_type="inner").rename_columns(BENCHMARK_HASHES.names)

    def add(self, rows: pa.Table) -> None:
        """Keeps hashes.

        Args:
            rows: Rows of BENCHMARK_HASHES.

        Raises:
            UserError: The folder can't be written.
        """
        out = io.BytesIO()
        pq.write_table(rows, out, compression="zstd", write_page_checksum=True)
        # The name is that of the content, so that commands at the same time don't replace each other's tables.
        name = f"{hashlib.sha256(out.getvalue()).hexdigest()[:16]}.parquet"
        storage.write_bytes(storage.join(self._url, name), out.getvalue(), self._options)
