"""Metadata that workers read from its folder, and compare with the digests that a run began with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.schemas import COUNTS, ddl
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions
from metaclip_curate.storage import StorageOptions

_ENTRIES = pa.schema([column for column in COUNTS if column.name != "count"])
_ENTRIES_PER_BATCH = 50_000
_CHECKED = pa.schema([("metadata_lang", pa.string()), ("digest", pa.string()), ("mistake", pa.string())])


def expected_entries(metadata: str, language: str, digest: str, options: StorageOptions) -> list[str]:
    """Reads a language's entries.

    Args:
        metadata: Path or URL of the metadata folder.
        language: A metadata language.
        digest: SHA-256 of its file when the run began.
        options: Credentials and limits for the folder.

    Returns:
        Entries; an entry's id is its position.

    Raises:
        UserError: The file has changed, or doesn't exist.
    """
    read = MetadataFolder.open(metadata, options).read(language)
    if read.digest != digest:
        raise UserError(
            f"{read.source} has changed while it was in use: its digest was {digest} and is now {read.digest}; "
            "put the old file back or start another run"
        )
    return read.entries


def digests_in_workers(
    spark: SparkSession, metadata: str, languages: Sequence[str], options: StorageOptions, parsed: bool
) -> dict[str, str]:
    """Reads lists in workers, one task per language. Only the digests reach the driver.

    Args:
        spark: The session.
        metadata: Path or URL of the metadata folder.
        languages: Languages whose lists are read.
        options: Credentials and limits for the folder.
        parsed: Whether the content of the lists is checked.

    Returns:
        SHA-256 of each language's file, in the order of the languages.

    Raises:
        UserError: A list can't be read, or something is wrong with it.
    """
    if not languages:
        return {}

    def check(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for language in (name for batch in batches for name in batch.column("metadata_lang").to_pylist()):
            checked = {"metadata_lang": language, "digest": "", "mistake": ""}
            try:
                folder = MetadataFolder.open(metadata, options)
                checked["digest"] = folder.read(language).digest if parsed else folder.digest(language)
            except UserError as error:
                checked["mistake"] = str(error)
            yield pa.RecordBatch.from_pylist([checked], schema=_CHECKED)

    numbered = spark.createDataFrame(list(enumerate(languages)), "number int, metadata_lang string")
    found = {
        row["metadata_lang"]: row
        for row in shuffle_to_partitions(numbered, spark, len(languages), "number")
        .mapInArrow(check, ddl(_CHECKED))
        .collect()
    }
    for language in languages:
        if found[language]["mistake"]:
            raise UserError(found[language]["mistake"])
    return {language: found[language]["digest"] for language in languages}


def entries_table(spark: SparkSession, metadata: str, digests: Mapping[str, str], options: StorageOptions) -> DataFrame:
    """Reads metadata as a table, one task per language, so that it never passes through the driver.

    Args:
        spark: The session.
        metadata: Path or URL of the metadata folder.
        digests: Digest of each language to read; at least one.
        options: Credentials and limits for the folder.

    Returns:
        metadata_lang, entry_id, entry.
    """
    numbered = [(number, language, digest) for number, (language, digest) in enumerate(sorted(digests.items()))]
    languages = spark.createDataFrame(numbered, "number int, metadata_lang string, digest string")
    shuffled = shuffle_to_partitions(languages, spark, len(numbered), "number")
    return shuffled.mapInArrow(_reader(metadata, options), ddl(_ENTRIES))


def _reader(metadata: str, options: StorageOptions) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for language, digest in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                listed = pa.array(expected_entries(metadata, language, digest, options), pa.string())
                for start in range(0, len(listed), _ENTRIES_PER_BATCH):
                    part = listed.slice(start, _ENTRIES_PER_BATCH)
                    ids = pa.array(range(start, start + len(part)), pa.int32())
                    names = pa.repeat(pa.scalar(language), len(part))
                    yield pa.RecordBatch.from_arrays([names, ids, part], schema=_ENTRIES)

    return read
