"""From what a user writes after --input to the list of input files."""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import os
import posixpath
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage import file_identity, globs
from metaclip_curate.storage.local import special_kind
from metaclip_curate.storage.open_input import open_input
from metaclip_curate.storage.reader import read_whole
from metaclip_curate.storage.retry import InputError
from metaclip_curate.storage.secrets import has_broken_login, public_name, scrub
from metaclip_curate.storage.stores import require_readable, store_of
from metaclip_curate.storage.urls import (
    CRAWL_PREFIX,
    is_local,
    is_web,
    join,
    local_path,
    resolve,
)

INPUT_SUFFIXES = (".wat", ".wat.gz", ".wat.zst", ".warc", ".warc.gz", ".warc.zst")
LIST_SUFFIXES = (".paths", ".paths.gz")
_MOST_BYTES = 1 << 29  # of a list, unpacked: five million paths as long as Common Crawl's

# Nothing of such an address is repeated: there is no telling where the password ends.
_BROKEN_LOGIN = "the URL's user or password has / ? or # in it: write %2F, %3F, %23"

# cc:CC-MAIN-2025-30, cc:CC-MAIN-2025-30:20, cc:CC-MAIN-2025-30:20:warc, cc:CC-NEWS/2024/01:warc
_CRAWL = re.compile(r"cc:([\w-]+(?:/\d+)*)(?::(\d+))?(?::(wat|warc))?", re.ASCII)


@dataclass(frozen=True)
class Inputs:
    """The input files of a command.

    A file's name is what tables, records and messages say. Its address is what is asked for: the same, or the URL with
    the user, the password or the signature that the command gave, which goes to the workers that read the file and is
    written nowhere.

    Attributes:
        names: Each file once.
        addresses: The addresses by name, of the files whose address isn't their name.
    """

    names: Sequence[str]
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)

    def not_among(self, done: Iterable[str], options: StorageOptions) -> list[str]:
        """The names of files that aren't among those that were read before, be it under another name.

        Args:
            done: Names as an earlier run recorded them.
            options: How to reach things.
        """
        known = {public_name(name) for name in done}
        new = {name: file_identity.identity(name, options) for name in self.names if name not in known}
        if not any(new.values()):
            return list(new)
        files = {file_identity.identity(name, options) for name in known} - {None}
        return [name for name, file in new.items() if file not in files]

    def of(self, names: Iterable[str]) -> dict[str, str]:
        """The addresses of some files by name; those that the command doesn't name are left out."""
        ours = set(self.names)
        return {name: self.addresses.get(name, name) for name in names if name in ours}


def expand_inputs(specs: Sequence[str], options: StorageOptions, seed: int) -> Inputs:
    """All input files that the specs name, in the specs' order, each once.

    A spec is one of
      - a file: a local path, file:, http://, https://, s3://, gs:// or hdfs://, of any name;
      - a folder, or an s3://, gs:// or hdfs:// prefix: all *.wat and *.warc below it, packed (.gz, .zst)
        or not, sorted;
      - a pattern with *, ?, [...] or ** (not for http): its matches, sorted; a list or, on this machine, a folder
        among them counts as if it were named;
      - a list of paths, one a line: *.paths, *.paths.gz (wat.paths.gz) or anything after an @. Empty lines and lines
        that begin with # are skipped. A relative path is one from the working directory, except crawl-data/..., which
        is Common Crawl's and lies below `cc_base`;
      - cc:CRAWL, cc:CRAWL:N, cc:CRAWL:N:warc: all WATs (or WARCs) of a crawl, or N of them: those with the
        smallest BLAKE2b of seed and path, so that a larger N keeps the smaller's.

    Local paths are normalised (os.path.normpath), not made absolute. A local file below a relative folder crawl-data/
    is named ./crawl-data/..., to tell it from Common Crawl's, and one whose path isn't UTF-8 by its file: URL. A local
    file of several names, links among them, hard ones too, is read under the first by code points. Web addresses that
    differ in nothing but a user, a password, a signature or a token are one file.

    Of folders and patterns only files are taken, no pipes, sockets or devices. Named outright these are refused, since
    an input may be read more than once; a list may come through a pipe.

    Args:
        specs: what the user wrote.
        options: how to reach things.
        seed: of the choice of N files.

    Raises:
        UserError: a spec names nothing, or cannot be read.
    """
    if not specs:
        raise UserError("No input is given; name files, folders, lists or cc:CRAWL with --input.")
    addresses: dict[str, str] = {}
    for spec in specs:
        for address in _expand(spec, options, seed):
            name = public_name(address)
            # One with a signature beats one without.
            if addresses.setdefault(name, address) == name:
                addresses[name] = address
    names = file_identity.without_aliases(addresses, options)
    return Inputs(names, {name: addresses[name] for name in names if addresses[name] != name})


def _expand(spec: str, options: StorageOptions, seed: int) -> Iterable[str]:
    if not spec:
        raise UserError('An input is the empty string ""; name a file, a folder, a list or cc:CRAWL.')
    if has_broken_login(spec.removeprefix("@")):
        raise UserError(f"An input is no address: {_BROKEN_LOGIN}.")
    if spec.startswith("@"):
        return _listed(spec[1:], options)
    if spec.startswith("cc:"):
        return _crawl(spec, options, seed)
    if is_local(spec):
        try:
            return _expand_local(spec, options)
        except OSError as error:  # a name that is too long, a closed folder
            raise UserError(f"{spec} cannot be read ({error.strerror or error}); check the name.") from error
    if is_web(spec):
        return _expand_http(spec, options)
    return _expand_store(spec, options)


def _expand_local(spec: str, options: StorageOptions) -> Iterable[str]:
    path = local_path(spec)
    if Path(path).is_dir():
        return _nonempty(_folder(path), spec)
    if Path(path).exists():
        _require_file(path, spec)
        return _file(_local_name(path), options)
    if spec.startswith(CRAWL_PREFIX) and not globs.has_wildcard(spec):
        return _file(spec, options, check=True)
    if not globs.has_wildcard(path):
        raise UserError(f"There is no file or folder {scrub(spec)}; check the name.")
    # Not Path.glob: it takes no absolute pattern.
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    if not matches:
        raise UserError(f"Nothing matches {spec}; check the pattern, and quote it for the shell.")
    found: list[str] = []
    for match in matches:
        if Path(match).is_dir():
            found.extend(_folder(match))
        elif not special_kind(match):
            found.extend(_file(_local_name(match), options))
    return _nonempty(found, spec)


def _require_file(path: str, named: str) -> None:
    # A list that is a pipe is read once, by its reader here.
    kind = "" if path.endswith(LIST_SUFFIXES) else special_kind(path)
    if kind:
        raise UserError(f"{named} is {kind}, and an input may be read more than once; give a file.")


def _expand_http(spec: str, options: StorageOptions) -> Iterable[str]:
    if _web_path(spec).endswith("/"):
        raise UserError(f"{scrub(spec)} is a folder, which HTTP cannot list; give its files in a list, @list.txt.")
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
            raise UserError(f"Nothing matches {spec}; check the bucket and the pattern.")
        return [path for match in matches for path in _file(match, options)]
    if not spec.endswith("/") and store.is_file(spec):
        return _file(spec, options)
    below = [name for name in store.list(spec, recursive=True) if _is_input(name)]
    return _nonempty([join(spec, name) for name in below], spec)


def _file(path: str, options: StorageOptions, *, check: bool = False) -> Iterable[str]:
    """One file, or what it lists if it is a list; `check` opens it, to fail now and not in each worker."""
    if _web_path(path).endswith(LIST_SUFFIXES):
        return _listed(path, options)
    if check:
        try:
            open_input(path, options).close()
        except InputError as error:
            where = public_name(resolve(path, options))
            raise UserError(f"{where} cannot be read: {error.reason}; check the name.") from error
    return [path]


def _folder(folder: str) -> list[str]:
    names: list[str] = []
    for parent, _, files in os.walk(folder):
        names.extend(posixpath.join(parent, name) for name in files if _is_input(name))
    return [_local_name(name) for name in sorted(names) if not special_kind(name)]


def _web_path(address: str) -> str:
    """A web address without its query; anything else as it is."""
    return public_name(address).partition("?")[0] if is_web(address) else address


def _is_input(name: str) -> bool:
    # Names with a dot in front are what copying tools leave while they work.
    return name.endswith(INPUT_SUFFIXES) and not posixpath.basename(name).startswith(".")


def _nonempty(paths: list[str], spec: str) -> list[str]:
    if not paths:
        kinds = ", ".join("*" + suffix for suffix in INPUT_SUFFIXES)
        raise UserError(f"There is no input in {spec}: no such file, and no {kinds} below such a folder.")
    return paths


def _local_name(path: str) -> str:
    name = os.path.normpath(path)
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8, which no table can hold
        return Path(os.path.abspath(name)).as_uri()  # noqa: PTH100 (absolute() leaves .. as it is)
    return f"./{name}" if name.startswith(CRAWL_PREFIX) else name


def _listed(path: str, options: StorageOptions) -> list[str]:
    paths: list[str] = []
    shown = public_name(path)
    for number, line in _lines(path, options):
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
        _require_file(local, f"{shown}, line {number}: {line}")
        if not os.path.isfile(local):  # noqa: PTH113 (which raises nothing for a name that is too long)
            raise UserError(f"{shown}, line {number}: there is no file {scrub(line)}; correct the list.")
        paths.append(_local_name(local))
    if not paths:
        raise UserError(f"{shown} lists no paths; write one a line.")
    return paths


def _lines(path: str, options: StorageOptions) -> Iterator[tuple[int, str]]:
    """The lines of a list that name something, with their numbers."""
    shown = public_name(path)
    try:
        data = _whole(path, options)
        if data.startswith(b"\x1f\x8b"):
            data = _unpacked(data)
        text = data.decode("utf-8-sig")
    except InputError as error:
        raise UserError(f"The list {shown} cannot be read: {error.reason}; check the name.") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"The list {shown} is damaged ({error}); fetch it again.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{shown} is no list of paths: it is not text in UTF-8 ({error}).") from error
    for number, line in enumerate(text.split("\n"), 1):
        name = line.strip()
        if name and not name.startswith("#"):
            yield number, name


def _whole(path: str, options: StorageOptions) -> bytes:
    if is_local(path) and special_kind(local_path(path)):
        return Path(local_path(path)).read_bytes()
    with open_input(path, options) as stream:
        return read_whole(stream, _MOST_BYTES)


def _unpacked(data: bytes) -> bytes:
    with gzip.open(io.BytesIO(data)) as file:
        unpacked = file.read(_MOST_BYTES + 1)
    if len(unpacked) > _MOST_BYTES:
        raise zlib.error(f"unpacked it has more than {_MOST_BYTES:,} bytes")
    return unpacked


def _crawl(spec: str, options: StorageOptions, seed: int) -> list[str]:
    match = _CRAWL.fullmatch(spec)
    if match is None:
        raise UserError(
            f"{spec} names no crawl; write cc:CC-MAIN-2025-30, or cc:CC-MAIN-2025-30:20 for 20 of its files."
        )
    name, count, kind = match[1], match[2], match[3] or "wat"
    if count is not None and int(count) == 0:
        raise UserError(f"{spec} asks for 0 files; write 1 or more, or no number for all.")
    listing = f"{CRAWL_PREFIX}{name}/{kind}.paths.gz"
    try:
        paths = [line for _, line in _lines(listing, options)]
    except UserError as error:
        raise UserError(
            f"{spec}: no list of {kind.upper()} files at {public_name(resolve(listing, options))} "
            f"({error.__cause__}); names of crawls are at https://index.commoncrawl.org/collinfo.json."
        ) from error
    if not paths:
        raise UserError(f"{spec}: {public_name(resolve(listing, options))} lists no paths.")
    if count is None:
        return paths
    chosen = set(sorted(paths, key=lambda path: (_position(seed, path), path))[: int(count)])
    return [path for path in paths if path in chosen]


def _position(seed: int, path: str) -> bytes:
    return hashlib.blake2b(f"{seed}\n{path}".encode(), digest_size=8).digest()
