"""The lists of entries that a run matches with, and a check that they haven't changed since."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.stages.shared.metadata_digests import digests_in_workers
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Lists on this machine's disk of up to this many bytes in total are read here, so that mistakes in them are found at
# once and without a session. Parsing 64 MiB takes a second, as does computing the digest of eight times as much.
_MOST_BYTES_PARSED_HERE, _MOST_BYTES_HERE = 1 << 26, 1 << 29


class RunMetadata:
    """The lists of a metadata folder that a run uses.

    Args:
        options: The folder, and its languages that are used.
        storage: Credentials and limits for the folder.
        session: Returns the session, whose workers read lists that are too large for the driver.
    """

    def __init__(self, options: MatchOptions, storage: StorageOptions, session: Callable[[], SparkSession]) -> None:
        self._options = options
        self._storage = storage
        self._session = session

    @cached_property
    def folder(self) -> MetadataFolder:
        """The metadata folder.

        Raises:
            UserError: --metadata is missing, or the folder can't be used.
        """
        if not self._options.metadata:
            raise UserError("--metadata is missing: name the metadata folder")
        return MetadataFolder.open(self._options.metadata, self._storage)

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each list that is used, by language. Lists are read and checked one at a time, and not kept.

        Raises:
            UserError: A language has no list, or a list has a mistake.
        """
        return self._digests(self.folder, self.folder.among(self._options.languages), parsed=True)

    def check_unchanged(self, path: str, recorded: Mapping[str, str], run: str) -> None:
        """Compares the lists of a metadata folder, if it still exists, with those that were matched with.

        Args:
            path: Path or URL of the metadata folder.
            recorded: SHA-256 of each list that was matched with, by language.
            run: Path or URL of the run folder, for the message.

        Raises:
            UserError: A list has changed.
        """
        try:
            found = MetadataFolder.open(path, self._storage)
        except UserError:
            return  # moved away after matching, when it is no longer needed
        remaining = [language for language in recorded if language in found.languages]
        now = self._digests(found, remaining, parsed=False)
        for language, digest in now.items():
            if digest != recorded[language]:
                raise UserError(
                    f"{path} has changed since {run} was matched with it: the digest of {language} was "
                    f"{recorded[language]} and is now {digest}; put the old file back, or give another --output"
                )

    def _digests(self, folder: MetadataFolder, languages: Sequence[str], parsed: bool) -> dict[str, str]:
        size = folder.local_bytes(languages)
        if size is not None and size <= (_MOST_BYTES_PARSED_HERE if parsed else _MOST_BYTES_HERE):
            digest = (lambda language: folder.read(language).digest) if parsed else folder.digest
            return {language: digest(language) for language in languages}
        return digests_in_workers(self._session(), folder.path, languages, self._storage, parsed)
