"""From what a user writes after --input to the list of input files."""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
import posixpath
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from metaclip_curate.errors import UserError
from metaclip_curate.storage import globs
from metaclip_curate.storage.opening import open_input
from metaclip_curate.storage.options import StorageOptions
from metaclip_curate.storage.retry import InputError
from metaclip_curate.storage.stores import require_readable, store_of
from metaclip_curate.storage.urls import (
    CRAWL_PREFIX,
    is_local,
    join,
    local_path,
    resolve,
    scheme_of,
)

INPUT_SUFFIXES = (".wat", ".wat.gz", ".wat.zst", ".warc", ".warc.gz", ".warc.zst")
LIST_SUFFIXES = (".paths", ".paths.gz")

# cc:CC-MAIN-2025-30, cc:CC-MAIN-2025-30:20, cc:CC-MAIN-2025-30:20:warc, cc:CC-NEWS/2024/01:warc
_CRAWL = re.compile(r"cc:([\w-]+(?:/\d+)*)(?::(\d+))?(?::(wat|warc))?", re.ASCII)


def expand_inputs(specs: Sequence[str], options: StorageOptions, seed: int) -> list[str]:
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
    is named ./crawl-data/..., to tell it from Common Crawl's.

    Args:
        specs: what the user wrote.
        options: how to reach things.
        seed: of the choice of N files.

    Raises:
        UserError: a spec names nothing, or cannot be read.
    """
    if not specs:
        raise UserError("No input is given; name files, folders, lists or cc:CRAWL with --input.")
    paths: dict[str, None] = {}
    for spec in specs:
        paths.update(dict.fromkeys(_expand(spec, options, seed)))
    return list(paths)


def _expand(spec: str, options: StorageOptions, seed: int) -> Iterable[str]:
    if not spec:
        raise UserError('An input is the empty string ""; name a file, a folder, a list or cc:CRAWL.')
    if spec.startswith("@"):
        return _listed(spec[1:], options)
    if spec.startswith("cc:"):
        return _crawl(spec, options, seed)
    if is_local(spec):
        return _expand_local(spec, options)
    if scheme_of(spec) in ("http", "https"):
        return _expand_http(spec, options)
    return _expand_store(spec, options)


def _expand_local(spec: str, options: StorageOptions) -> Iterable[str]:
    path = local_path(spec)
    if Path(path).is_dir():
        return _nonempty(_folder(path), spec)
    if Path(path).exists():
        return _file(_local_name(path), options)
    if spec.startswith(CRAWL_PREFIX) and not globs.has_wildcard(spec):
        return _file(spec, options, check=True)
    if not globs.has_wildcard(path):
        raise UserError(f"There is no file or folder {spec}; check the name.")
    # Not Path.glob: it takes no absolute pattern.
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    if not matches:
        raise UserError(f"Nothing matches {spec}; check the pattern, and quote it for the shell.")
    found: list[str] = []
    for match in matches:
        if Path(match).is_dir():
            found.extend(_folder(match))
        else:
            found.extend(_file(_local_name(match), options))
    return _nonempty(found, spec)


def _expand_http(spec: str, options: StorageOptions) -> Iterable[str]:
    if spec.endswith("/"):
        raise UserError(f"{spec} is a folder, which HTTP cannot list; give its files in a list, @list.txt.")
    return _file(spec, options, check=True)


def _expand_store(spec: str, options: StorageOptions) -> Iterable[str]:
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
    if path.endswith(LIST_SUFFIXES):
        return _listed(path, options)
    if check:
        try:
            open_input(path, options).close()
        except InputError as error:
            where = resolve(path, options)
            raise UserError(f"{where} cannot be read: {error.reason}; check the name.") from error
    return [path]


def _folder(folder: str) -> list[str]:
    names: list[str] = []
    for parent, _, files in os.walk(folder):
        names.extend(posixpath.join(parent, name) for name in files if _is_input(name))
    return [_local_name(name) for name in sorted(names)]


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
    return f"./{name}" if name.startswith(CRAWL_PREFIX) else name


def _listed(path: str, options: StorageOptions) -> list[str]:
    paths: list[str] = []
    for number, line in _lines(path, options):
        if line.startswith(CRAWL_PREFIX) or not is_local(line):
            try:
                require_readable(line)
            except UserError as error:
                raise UserError(f"{path}, line {number}: {error}") from error
            paths.append(line)
            continue
        local = local_path(line)
        if not Path(local).is_file():
            raise UserError(f"{path}, line {number}: there is no file {line}; correct the list.")
        paths.append(_local_name(local))
    if not paths:
        raise UserError(f"{path} lists no paths; write one a line.")
    return paths


def _lines(path: str, options: StorageOptions) -> Iterator[tuple[int, str]]:
    """The lines of a list that name something, with their numbers."""
    try:
        with open_input(path, options) as stream:
            data = b"".join(iter(stream.read1, b""))
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except InputError as error:
        raise UserError(f"The list {path} cannot be read: {error.reason}; check the name.") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"The list {path} is damaged ({error}); fetch it again.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no list of paths: it is not text in UTF-8 ({error}).") from error
    for number, line in enumerate(text.split("\n"), 1):
        name = line.strip()
        if name and not name.startswith("#"):
            yield number, name


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
            f"{spec}: no list of {kind.upper()} files at {resolve(listing, options)} "
            f"({error.__cause__}); names of crawls are at https://index.commoncrawl.org/collinfo.json."
        ) from error
    if not paths:
        raise UserError(f"{spec}: {resolve(listing, options)} lists no paths.")
    if count is None:
        return paths
    chosen = set(sorted(paths, key=lambda path: (_position(seed, path), path))[: int(count)])
    return [path for path in paths if path in chosen]


def _position(seed: int, path: str) -> bytes:
    return hashlib.blake2b(f"{seed}\n{path}".encode(), digest_size=8).digest()
