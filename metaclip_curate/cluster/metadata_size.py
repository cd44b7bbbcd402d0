"""The size of the metadata that a plan is made for."""

from __future__ import annotations

from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.storage import StorageOptions


def longest_list(metadata: str, storage: StorageOptions) -> int:
    """Returns the number of entries of a metadata folder's longest list; 0 without a folder.

    Args:
        metadata: Metadata folder; empty for none.
        storage: How the folder is reached.

    Raises:
        UserError: The folder can't be read.
    """
    if not metadata:
        return 0
    folder = MetadataFolder.open(metadata, storage)
    return max(len(folder.entries(language)) for language in folder.languages)
