"""Metadata that workers read from its folder, and compare with the digests that a run began with. Without Spark."""

from __future__ import annotations

from collections.abc import Sequence

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.storage import StorageOptions

# Parsing 8 MiB takes a sixth of a second.
_BYTES_PER_TASK = 1 << 23
_MOST_TASKS = 64


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
