"""The digests of lists that are read by workers, since they are many, large or far away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import SparkSession

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.shared.metadata_entries import language_groups
from metaclip_curate.stages.shared.partitioning import numbered_tasks
from metaclip_curate.storage import StorageOptions

_CHECKED = pa.schema([("metadata_lang", pa.string()), ("digest", pa.string()), ("mistake", pa.string())])


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
