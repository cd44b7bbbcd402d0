"""run.json as a file that is replaced as a whole, and only if it is still what this run has read or written."""

from __future__ import annotations

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.run.record import RunRecord, run_from_bytes, run_to_bytes
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.run_folders import RECORD


class RecordFile:
    """The run.json of a run folder.

    Args:
        root: Path or URL of the run folder.
        options: Credentials and limits for the folder.

    Attributes:
        url: Path or URL of the file.
    """

    def __init__(self, root: str, options: StorageOptions) -> None:
        self.url = storage.join(root, RECORD)
        self._root = root
        self._options = options
        self._version = ""  # as it was read or written last; empty without a file

    @property
    def exists(self) -> bool:
        """Whether the file existed when it was read or written last."""
        return bool(self._version)

    def read(self) -> RunRecord | None:
        """Reads the file; returns None if there is none.

        Raises:
            UserError: It is damaged, was changed, or is of a version that this one doesn't know.
        """
        found = storage.read_versioned(self.url, self._options)
        if not found:
            return None
        self._version = found.version
        return run_from_bytes(found.data, self.url)

    def write(self, record: RunRecord) -> None:
        """Replaces the file.

        Raises:
            UserError: The folder can't be written.
            JobFailedError: Another run has written the file.
        """
        data = run_to_bytes(record)
        try:
            if self._version:
                saved = storage.replace_file(self.url, data, self._version, self._options)
            else:
                saved = storage.create_file(self.url, data, self._options)
        except OSError as error:
            raise cannot_write(self._root, error) from error
        if saved is None:
            raise JobFailedError(
                f"{self.url} was written by another run after this one had read it: this one stops and saves "
                "nothing more; when the other one has ended, start it again"
            )
        self._version = saved


def cannot_write(root: str, error: OSError) -> UserError:
    """Returns the error of a run folder that can't be written."""
    return UserError(f"can't write to {root} ({error.strerror or error}): give another --output")
