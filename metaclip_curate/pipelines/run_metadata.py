"""The lists that a run matches with, and whether they are still what it was matched with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.stages.shared.metadata_entries import digests_in_workers
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Lists on this machine's disk up to this many bytes in all are read here: what is wrong with them is then said at once,
# without a session. 27 million entries are ten times that.
_MOST_BYTES_HERE = 1 << 24


class RunMetadata:
    """What of a metadata folder a run uses.

    Args:
        options: The folder, and the languages if not all.
        storage: How to reach the folder.
        session: Gives the session, whose workers read lists that are too many for the driver.
    """

    def __init__(self, options: MatchOptions, storage: StorageOptions, session: Callable[[], SparkSession]) -> None:
        self._options = options
        self._storage = storage
        self._session = session

    @cached_property
    def folder(self) -> MetadataFolder:
        """The folder.

        Raises:
            UserError: None was named, or it can't be used.
        """
        if not self._options.metadata:
            raise UserError("--metadata is missing: name the metadata folder")
        return MetadataFolder.open(self._options.metadata, self._storage)

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each list that is used, by language. Each is read whole, one at a time, and nothing of it kept.

        Raises:
            UserError: A language has no list, or something is wrong with one.
        """
        wanted = self._options.languages
        for language in wanted:
            if language not in self.folder.languages:
                raise UserError(f"--languages names {language}, which has no file in {self.folder.path}")
        return self._digests(self.folder, wanted or self.folder.languages, parsed=True)

    def check_unchanged(self, place: str, recorded: Mapping[str, str], run: str) -> None:
        """Holds a metadata folder that is still where it was to the digests that were matched with.

        Args:
            place: Where it was.
            recorded: Digest by language.
            run: The run folder, for the message.

        Raises:
            UserError: A list isn't the one that was matched with.
        """
        try:
            found = MetadataFolder.open(place, self._storage)
        except UserError:
            return  # moved away after matching; nothing of it is needed any more
        still = [language for language in recorded if language in found.languages]
        now = self._digests(found, still, parsed=False)
        for language, digest in now.items():
            if digest != recorded[language]:
                raise UserError(
                    f"{place} has changed since {run} was matched with it: the digest of {language} was "
                    f"{recorded[language]} and is now {digest}; put the old file back, or give another --output"
                )

    def _digests(self, folder: MetadataFolder, languages: Sequence[str], parsed: bool) -> dict[str, str]:
        size = folder.local_bytes(languages)
        if size is not None and size <= _MOST_BYTES_HERE:
            digest = (lambda language: folder.read(language).digest) if parsed else folder.digest
            return {language: digest(language) for language in languages}
        return digests_in_workers(self._session(), folder.path, languages, self._storage, parsed)
