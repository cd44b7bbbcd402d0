"""Metadata that workers read from its folder, and compare with the digests that a run began with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import SparkSession

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.shared.partitioning import numbered_tasks
from metaclip_curate.storage import StorageOptions

# Parsing 8 MiB takes a sixth of a second.
_BYTES_PER_TASK = 1 << 23
_MOST_TASKS = 64
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


def language_groups(folder: MetadataFolder, languages: Sequence[str]) -> list[tuple[str, ...]]:
    """Divides languages into groups whose lists one task reads.

    Args:
        folder: The metadata folder.
        languages: Languages with a list in the folder.

    Returns:
        Groups of neighbouring languages: of lists of about 8 MiB in total if the folder is local, and otherwise, where
        sizes aren't known, at most 64 groups of equally many languages.
    """
    sizes = [size for language in languages if (size := folder.local_bytes([language])) is not None]
    if len(sizes) < len(languages):
        return even_groups(languages)
    groups: list[list[str]] = []
    filled = _BYTES_PER_TASK
    for language, size in zip(languages, sizes, strict=True):
        if filled >= _BYTES_PER_TASK:
            groups.append([])
            filled = 0
        groups[-1].append(language)
        filled += size
    return [tuple(group) for group in groups]


def even_groups(languages: Sequence[str]) -> list[tuple[str, ...]]:
    """Divides languages into at most 64 groups of equally many neighbours."""
    size = max(1, -(-len(languages) // _MOST_TASKS))
    return [tuple(languages[start : start + size]) for start in range(0, len(languages), size)]


def digests_in_workers(
    spark: SparkSession, metadata: str, languages: Sequence[str], options: StorageOptions, parsed: bool
) -> dict[str, str]:
    """Reads lists in workers. Only the digests reach the driver.

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
    groups = language_groups(MetadataFolder.open(metadata, options), languages)
    read = _checker(metadata, groups, options, parsed)
    found = {
        row["metadata_lang"]: row
        for row in numbered_tasks(spark, len(groups)).mapInArrow(read, ddl(_CHECKED)).collect()
    }
    for language in languages:
        if found[language]["mistake"]:
            raise UserError(found[language]["mistake"])
    return {language: found[language]["digest"] for language in languages}


def _checker(
    metadata: str, groups: Sequence[Sequence[str]], options: StorageOptions, parsed: bool
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def check(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for language in (
            name for batch in batches for number in batch.column(0).to_pylist() for name in groups[number]
        ):
            checked = {"metadata_lang": language, "digest": "", "mistake": ""}
            try:
                folder = MetadataFolder.open(metadata, options)
                checked["digest"] = folder.read(language).digest if parsed else folder.digest(language)
            except UserError as error:
                checked["mistake"] = str(error)
            yield pa.RecordBatch.from_pylist([checked], schema=_CHECKED)

    return check
