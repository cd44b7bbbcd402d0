"""Fetching a run's images with img2dataset, into webdataset shards with the columns that training needs.

img2dataset reads the manifest as it is, keeps the shards that it has finished, and copies columns, lists included, into
each shard's Parquet file. Added here: a folder belongs to one run and one set of options, unfinished shards are
reported, and open_clip's `sizes.json` is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.images.faces import faces_digest, read_faces, write_with_faces
from metaclip_curate.images.img2dataset_call import fetch_shards, require_img2dataset, require_reachable
from metaclip_curate.images.outcome import Outcome, outcome_of
from metaclip_curate.images.shards import ShardFolder
from metaclip_curate.options.download import DownloadOptions, Table
from metaclip_curate.options.fields import flag, table_options
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.storage.parquet_input import open_parquet

Log = Callable[[str], None]

_STAGES: dict[Table, str] = {"manifest": "sample", "matched": "match"}
_READERS = 16


class Download:
    """The download of a run's images into a folder of shards.

    Args:
        source: The run's folder, finished up to sample for the manifest, up to match for matched.
        options: What is fetched, and the folder for the shards.
        images: Writes the table of images with all their texts into the folder that it is given; required for matched.
        log: Receives log lines.

    Raises:
        UserError: img2dataset is missing, the run isn't finished, or the folder holds another download.
    """

    def __init__(
        self,
        source: RunFolder,
        options: DownloadOptions,
        images: Callable[[str], None] | None = None,
        log: Log = print,
    ) -> None:
        require_img2dataset()
        self._source, self._options, self._images, self._log = source, options, images, log
        self._shards = ShardFolder(options.output, source.options)
        for url in (source.root, options.output):
            require_reachable(url)
        source.require(_STAGES[options.table])
        self._require_same_download()

    def run(self) -> Outcome:
        """Fetches the shards that are missing.

        Returns:
            The result for all rows, those of earlier commands included.

        Raises:
            JobFailedError: Shards were given up, or the download was interrupted; the same command goes on.
        """
        table = self._table()
        shards = self._expected_shards(table)
        output = self._options.output
        self._shards.remove_sizes()
        missing = shards - len(self._shards.finished())
        self._log(f"download: {missing:,} of {shards:,} shards are missing in {output}")
        if missing > 0:
            fetch_shards(table, self._options)
        finished = self._shards.finished()
        self._shards.write_sizes(finished)
        if len(finished) < shards:
            raise JobFailedError(
                f"{shards - len(finished):,} of {shards:,} shards in {output} aren't finished: give the same command "
                "again"
            )
        return outcome_of(self._shards.stats(finished), shards)

    def _require_same_download(self) -> None:
        """Holds the folder to one run and one set of options, which it records in a new folder."""
        mine = {
            "fingerprint": self._source.fingerprint(_STAGES[self._options.table]),
            **table_options(self._options),
        }
        faces = self._options.faces
        mine["faces"] = faces_digest(faces, self._source.options) if faces else ""
        output, url = self._options.output, self._shards.work("source.json")
        try:
            recorded = self._shards.read_json(url, "give another --output")
        except FileNotFoundError:
            if self._shards.finished():
                raise UserError(f"{output} holds shards of another download: give another --output") from None
            if faces:  # before they are recorded, so that a broken table can be mended
                read_faces(faces, self._source.options)
            content = {"run": self._source.root, **mine}
            storage.write_bytes(url, json.dumps(content, indent=1).encode() + b"\n", self._source.options)
            return
        for name, value in mine.items():
            # An option that didn't exist yet when the folder was begun may have any value.
            if recorded.get(name, value) == value:
                continue
            if name == "fingerprint":
                raise UserError(f"{output} holds images of another state of {recorded['run']}: give another --output")
            if name == "faces":
                raise UserError(f"{output} was begun with other boxes of --faces: give the same or another --output")
            raise UserError(
                f"{output} was begun with {flag(name)} {recorded.get(name)}, and the command says {value}: give the "
                "same or another --output"
            )

    def _table(self) -> str:
        """Returns the folder that img2dataset reads."""
        if self._options.table == "manifest":
            files = self._source.table_files("sample", "manifest")  # img2dataset reads all Parquet files in the folder
            return (
                self._with_faces([file.url for file in files])
                if self._options.faces
                else self._source.table("manifest")
            )
        folder = self._shards.work("images")
        done = storage.join(folder, "_SUCCESS")
        if not storage.exists(done, self._source.options):
            if self._images is None:
                raise ValueError("a download of matched needs a function that writes the table of images")
            self._log("download: collecting the texts of each image")
            self._images(folder)
            storage.write_bytes(done, b"", self._source.options)
        return folder

    def _with_faces(self, manifest: list[str]) -> str:
        """Returns a folder with the manifest and the boxes to blur."""
        folder = self._shards.work("faces")
        done = storage.join(folder, "_SUCCESS")
        if not storage.exists(done, self._source.options):
            faces = read_faces(self._options.faces, self._source.options)
            pairs = write_with_faces(manifest, faces, folder, self._source.options)
            self._log(f"download: {pairs:,} pairs have boxes to blur, of {faces.num_rows:,} in {self._options.faces}")
            storage.write_bytes(done, b"", self._source.options)
        return folder

    def _expected_shards(self, table: str) -> int:
        """Returns the number of shards into which img2dataset divides the table, each file by itself."""
        names = storage.list_parquet(table, self._source.options)
        size = self._options.samples_per_shard
        with ThreadPoolExecutor(_READERS) as pool:
            rows = pool.map(lambda name: self._rows(storage.join(table, name)), names)
            return sum(-(-count // size) for count in rows)

    def _rows(self, url: str) -> int:
        remedy = f"restore it from a copy, or make it again from {self._source.root}"
        with open_parquet(url, self._source.options, remedy, ()) as file:
            return int(file.metadata.num_rows)
