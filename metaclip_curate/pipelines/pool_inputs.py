"""The pools among a run's inputs: their columns are checked first, and their large files divided over tasks."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice

from metaclip_curate.errors import UserError
from metaclip_curate.extract.pools.columns import ColumnError
from metaclip_curate.extract.pools.forms import Form, form_of_name
from metaclip_curate.extract.pools.lines import NotTextError
from metaclip_curate.extract.pools.parquet_rows import UnreadableError, open_parquet_pool, split_by_rows
from metaclip_curate.extract.pools.peek import peek
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.stages.extract_task import InputPart
from metaclip_curate.storage import InputError, Inputs, StorageOptions
from metaclip_curate.storage.ranged_file import open_seekable

# Files that are opened at a time: each is one or two requests to a store.
_OPENED = 16
# Of the files of a folder, so many are looked at until one can be read and all kept columns are found.
_TRIED = 3
# Folders whose files are checked before anything is read.
_FOLDERS = 64


class PoolInputs:
    """The files of pools among the inputs of a command.

    Args:
        inputs: The input files.
        options: Which columns are read.
        storage: Credentials and limits for reading them.
    """

    def __init__(self, inputs: Inputs, options: PoolOptions, storage: StorageOptions) -> None:
        self._inputs = inputs
        self._options = options
        self._storage = storage

    def kept_types(self, known: Sequence[str] | None = None) -> list[str]:
        """Checks the first files of each folder and form, of at most 64, and returns the types of the kept columns.

        Args:
            known: Types that the tables of the run have already, which then stay; None if there are none.

        Raises:
            UserError: A file lacks a column, or none of these files has a column that shall be kept.
        """
        found: dict[str, str] = {}
        read = False
        for names in islice(self._by_folder().values(), _FOLDERS):
            types = self._types_of(names)
            read = read or types is not None
            found = (types or {}) | found
        if known is not None:
            return list(known)
        for column in self._options.keep_columns:
            if column not in found:
                looked_at = f"none of the first {_TRIED} files of a folder has values in it"
                reason = looked_at if read else "no file of a pool could be read"
                raise UserError(f"--keep-columns {column}: {reason}; correct the name or leave it out")
        return [found[column] for column in self._options.keep_columns]

    def parts(self, paths: Sequence[str], below: Mapping[str, str]) -> list[InputPart]:
        """Divides Parquet files of many rows into parts that one task reads each.

        Args:
            paths: Names of input files.
            below: Paths by which pairs without URLs are named, by the files' names.
        """
        with ThreadPoolExecutor(_OPENED) as pool:
            return [part for parts in pool.map(lambda path: self._parts_of(path, below), paths) for part in parts]

    def below(self, paths: Iterable[str]) -> dict[str, str]:
        """Returns the paths by which pairs without URLs are named; none if there is no such pool."""
        if not self._options.no_url:
            return {}
        return {
            path: self._inputs.below.get(path, posixpath.basename(path))
            for path in paths
            if form_of_name(path) is not None
        }

    def require_different(self, new: Mapping[str, str], known: Mapping[str, str]) -> None:
        """Checks that no two files would give their pairs the same URLs.

        Args:
            new: Paths by which the pairs of new files are named, by the files' names.
            known: Those of files that were read before.

        Raises:
            UserError: Two would.
        """
        names = {path: name for name, path in known.items()}
        for name, path in new.items():
            other = names.setdefault(path, name)
            if other != name:
                raise UserError(
                    f"{other} and {name} would give their pairs the same URLs, since both are {path} below the folder "
                    "that --input names: name a folder above both, or read one of them with another --no-url"
                )

    def _by_folder(self) -> dict[tuple[str, Form], list[str]]:
        groups: dict[tuple[str, Form], list[str]] = {}
        for name in self._inputs.names:
            form = form_of_name(name)
            if form is not None:
                of_folder = groups.setdefault((posixpath.dirname(name), form), [])
                if len(of_folder) < _TRIED:
                    of_folder.append(name)
        return groups

    def _types_of(self, names: Sequence[str]) -> dict[str, str] | None:
        """Returns the types that kept columns have in the first file with values in them; None if none can be read."""
        found: dict[str, str] | None = None
        for name in names:
            try:
                form = form_of_name(name)
                if form is None:
                    continue
                found = peek(self._address(name), form, self._options, self._storage) | (found or {})
            except ColumnError as error:
                if found is None:
                    raise UserError(f"{name} can't be read as a pool: {error}") from error
            except (InputError, NotTextError, UnreadableError):
                pass  # the table of inputs will say why
            if found is not None and len(found) == len(self._options.keep_columns):
                break
        return found

    def _address(self, name: str) -> str:
        return self._inputs.addresses.get(name, name)

    def _parts_of(self, path: str, below: Mapping[str, str]) -> list[InputPart]:
        named = below.get(path, "")
        if form_of_name(path) is Form.PARQUET:
            try:
                with closing(open_seekable(self._address(path), self._storage)) as file:
                    metadata = open_parquet_pool(file).metadata
                    rows = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
            except (InputError, UnreadableError, OSError):
                return [InputPart(path, None, named)]  # the task that reads it will record why it can't be read
            parts = split_by_rows(rows)
            if len(parts) > 1:
                return [InputPart(path, groups, named) for groups in parts]
        return [InputPart(path, None, named)]
