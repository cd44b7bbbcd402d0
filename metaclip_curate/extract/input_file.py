"""An input file, which is opened once although its first bytes may be needed to know how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from metaclip_curate.extract.pools.forms import START_BYTES, Form, form_of_name, form_of_start
from metaclip_curate.storage import ByteRange, InputStream, StorageOptions, open_input, public_name
from metaclip_curate.storage.local_inputs import CRAWL_SUFFIXES
from metaclip_curate.storage.ranged_file import open_seekable


class InputFile:
    """An input file.

    Args:
        path: Path or URL, with the password or signature it may need.
        storage: Credentials, time-outs and number of attempts.
        ranges: Ranges of the file that are read. Default: the whole file.

    Attributes:
        path: As given.
    """

    def __init__(self, path: str, storage: StorageOptions, ranges: Sequence[ByteRange] | None = None) -> None:
        self.path = path
        self._storage = storage
        self._ranges = ranges
        self._begun: InputStream | None = None

    def form(self) -> Form | None:
        """Returns the form of a pool's file, by the end of its name or else by its first bytes; None of a crawl file.

        Raises:
            InputError: The first bytes are needed, and the file can't be opened.
        """
        if self._ranges is not None:
            return None
        name = public_name(self.path)
        form = form_of_name(name)
        if form is not None or name.partition("?")[0].endswith(CRAWL_SUFFIXES):
            return form
        self._begun = open_input(self.path, self._storage)
        return form_of_start(self._begun.peek(START_BYTES))

    def open(self) -> InputStream:
        """Returns the bytes from the first on, to be read once and closed.

        Raises:
            InputError: The file can't be opened.
        """
        begun, self._begun = self._begun, None
        return begun or open_input(self.path, self._storage, ranges=self._ranges)

    def open_seekable(self) -> BinaryIO:
        """Opens the file for reading at any position.

        Raises:
            InputError: The file can't be opened.
        """
        self.close()
        return open_seekable(self.path, self._storage)

    def close(self) -> None:
        """Closes what `form` opened and nothing has read."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.close()
