"""From what a user writes after --input to the list of input files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage import file_identity, globs
from metaclip_curate.storage.local_inputs import (
    INPUT_SUFFIXES,
    LIST_SUFFIXES,
    POOL_SUFFIXES,
    inputs_among,
    local_inputs,
    local_name,
    require_file,
)
from metaclip_curate.storage.open_input import open_input
from metaclip_curate.storage.path_lists import crawl_paths, read_lines
from metaclip_curate.storage.redaction import has_broken_login, public_name, scrub
from metaclip_curate.storage.retry import InputError
from metaclip_curate.storage.stores import require_readable, store_of
from metaclip_curate.storage.urls import CRAWL_PREFIX, is_local, is_web, join, local_path, resolve

# The message repeats nothing of such an address, since nobody can know where its password ends.
_BROKEN_LOGIN = "the URL's user or password has / ? or # in it: write %2F, %3F, %23"


@dataclass(frozen=True)
class Inputs:
    """The input files of a command.

    A file has a name and an address. Tables, records and messages show the name. The address is what is requested: the
    name, or a URL with the user, the password or the signature that the command gave. It goes to the workers that read
    the file, and is written nowhere.

    Attributes:
        names: Name of each file, once.
        addresses: Addresses that differ from their name, by name.
        below: Of files of pools in folders, their paths below the folder that the command names, by name.
    """

    names: Sequence[str]
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    below: Mapping[str, str] = field(default_factory=dict, repr=False)

    def not_among(self, done: Iterable[str], options: StorageOptions) -> list[str]:
        """Returns the names of files that an earlier run hasn't read, not even under another name.

        Args:
            done: Names that the earlier run recorded.
            options: Where Common Crawl's paths are.
        """
        known = {public_name(name) for name in done}
        new = {name: file_identity.identity(name, options) for name in self.names if name not in known}
        if not any(new.values()):
            return list(new)
        files = {file_identity.identity(name, options) for name in known} - {None}
        return [name for name, file in new.items() if file not in files]

    def of(self, names: Iterable[str]) -> dict[str, str]:
        """Returns addresses by name, without names that the command didn't give."""
        ours = set(self.names)
        return {name: self.addresses.get(name, name) for name in names if name in ours}


def expand_inputs(specs: Sequence[str], options: StorageOptions, seed: int) -> Inputs:
    """Returns all input files that the specs stand for, in the specs' order, each once.

    A spec is one of
      - a file with any name: a local path, file:, http://, https://, s3://, gs:// or hdfs://;
      - a folder, or an s3://, gs:// or hdfs:// prefix: all *.wat and *.warc below it, also compressed (.gz, .zst), and
        all *.parquet, *.jsonl, *.csv, *.tsv and *.tar, but no table beside a tar of the same name; sorted;
      - a pattern with *, ?, [...] or ** (not for http): its matches, sorted. A list or a local folder among them counts
        as if it were a spec;
      - a list of paths, one a line: *.paths, *.paths.gz (wat.paths.gz) or anything after an @. Empty lines and lines
        that begin with # are skipped. Relative paths start at the working directory, except crawl-data/..., which is
        Common Crawl's and lies below `cc_base`;
      - cc:CRAWL, cc:CRAWL:N, cc:CRAWL:N:warc: all WATs (or WARCs) of a crawl, or N of them: those with the smallest
        BLAKE2b of seed and path, so that a larger N includes the files of a smaller one.

    Local paths are normalised (os.path.normpath), not made absolute. A local file below a relative folder crawl-data/
    is named ./crawl-data/..., to distinguish it from Common Crawl's, and a path that isn't UTF-8 by its file: URL. If a
    local file has several names, symbolic and hard links among them, the first by code points is taken. Web addresses
    that differ only in a user, a password, a signature or a token are one file.

    In folders and among matches only files count, not pipes, sockets or devices. As a spec these are refused, since an
    input may be read more than once, but a list may be a pipe.

    Args:
        specs: Values of --input.
        options: Credentials and limits for reading lists and folders.
        seed: Seed of the choice of N files.

    Raises:
        UserError: A spec stands for nothing, or can't be read.
    """
    if not specs:
        raise UserError("--input is missing: name files, folders, lists or cc:CRAWL")
    addresses: dict[str, str] = {}
    below: dict[str, str] = {}
    for spec in specs:
        root = _folder_of(spec)
        for address in _expand(spec, options, seed):
            name = public_name(address)
            if root and name.endswith(POOL_SUFFIXES) and name.startswith(root):
                below.setdefault(name, name.removeprefix(root))
            # An address with a signature replaces one without.
            if addresses.setdefault(name, address) == name:
                addresses[name] = address
    names = file_identity.without_aliases(addresses, options)
    return Inputs(names, {name: addresses[name] for name in names if addresses[name] != name}, below)


def _folder_of(spec: str) -> str:
    """Returns the folder that a spec names, up to its first wildcard and with a slash; empty for a file or a list."""
    if not spec or spec.startswith(("@", "cc:")) or is_web(spec):
        return ""
    path = local_path(spec) if is_local(spec) else spec
    if globs.has_wildcard(path):
        folder = globs.fixed_folder(path) if "/" in path else ""
    elif path.endswith(INPUT_SUFFIXES) and not (is_local(spec) and os.path.isdir(path)):  # noqa: PTH112
        return ""
    else:
        folder = path
    if is_local(spec) and folder:
        folder = os.path.normpath(folder)
    return "" if folder in ("", ".") else folder.rstrip("/") + "/"


def _expand(spec: str, options: StorageOptions, seed: int) -> Iterable[str]:
    if not spec:
        raise UserError('--input has an empty string "": name a file, a folder, a list or cc:CRAWL')
    if has_broken_login(spec.removeprefix("@")):
        raise UserError(f"An input is no address: {_BROKEN_LOGIN}.")
    if spec.startswith("@"):
        return _listed(spec[1:], options)
    if spec.startswith("cc:"):
        return crawl_paths(spec, options, seed)
    if is_local(spec):
        try:
            return _expand_local(spec, options)
        except OSError as error:  # a name that is too long, a folder that can't be read
            raise UserError(f"{spec} can't be read ({error.strerror or error}): check the name") from error
    if is_web(spec):
        return _expand_http(spec, options)
    return _expand_store(spec, options)


def _expand_local(spec: str, options: StorageOptions) -> Iterable[str]:
    if spec.startswith(CRAWL_PREFIX) and not Path(spec).exists() and not globs.has_wildcard(spec):
        return _file(spec, options, check=True)
    return _nonempty([path for name in local_inputs(spec) for path in _file(name, options)], spec)


def _expand_http(spec: str, options: StorageOptions) -> Iterable[str]:
    if _web_path(spec).endswith("/"):
        raise UserError(f"{scrub(spec)} is a folder, which HTTP can't list: give its files in a list, @list.txt")
    return _file(spec, options, check=True)


def _expand_store(spec: str, options: StorageOptions) -> Iterable[str]:
    require_readable(spec)
    store = store_of(spec, options)
    if globs.has_wildcard(spec):
        folder = globs.fixed_folder(spec)
        pattern = globs.pattern_of(spec[len(folder) :])
        names = store.list(folder, recursive=True)
        matches = [join(folder, name) for name in names if pattern.fullmatch(name)]
        if not matches:
            raise UserError(f"{spec} matches nothing: check the bucket and the pattern")
        return [path for match in matches for path in _file(match, options)]
    if not spec.endswith("/") and store.is_file(spec):
        return _file(spec, options)
    below = inputs_among(store.list(spec, recursive=True))
    return _nonempty([join(spec, name) for name in below], spec)


def _file(path: str, options: StorageOptions, *, check: bool = False) -> Iterable[str]:
    """Returns a file, or the paths in it if it is a list.

    Args:
        path: Path or URL.
        options: Credentials and limits for reading it.
        check: Whether to open the file now, so that an error comes before the workers start.
    """
    if _web_path(path).endswith(LIST_SUFFIXES):
        return _listed(path, options)
    if check:
        try:
            open_input(path, options).close()
        except InputError as error:
            shown = public_name(resolve(path, options))
            raise UserError(f"{shown} can't be read ({error.reason}): check the name") from error
    return [path]


def _web_path(address: str) -> str:
    """Returns a web address without its query, and anything else as it is."""
    return public_name(address).partition("?")[0] if is_web(address) else address


def _nonempty(paths: list[str], spec: str) -> list[str]:
    if not paths:
        kinds = ", ".join("*" + suffix for suffix in INPUT_SUFFIXES)
        raise UserError(f"{spec} has no input: name a file, or a folder with {kinds} below it")
    return paths


def _listed(path: str, options: StorageOptions) -> list[str]:
    """Returns the paths in a list."""
    paths: list[str] = []
    shown = public_name(path)
    for number, line in read_lines(path, options):
        if line.startswith(CRAWL_PREFIX) or not is_local(line):
            if has_broken_login(line):
                raise UserError(f"{shown}, line {number}: {_BROKEN_LOGIN}.")
            try:
                require_readable(line)
            except UserError as error:
                raise UserError(f"{shown}, line {number}: {error}") from error
            paths.append(line)
            continue
        local = local_path(line)
        require_file(local, f"{shown}, line {number}: {line}")
        if not os.path.isfile(local):  # noqa: PTH113 (raises nothing for a name that is too long)
            raise UserError(f"{shown}, line {number}: there is no file {scrub(line)}: correct the list")
        paths.append(local_name(local))
    if not paths:
        raise UserError(f"{shown} lists no paths: write one in each line")
    return paths
