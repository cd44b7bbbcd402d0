"""Lists of paths, one a line: *.paths, *.paths.gz, and Common Crawl's."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.input_stream import read_whole
from metaclip_curate.storage.local import special_kind
from metaclip_curate.storage.open_input import open_input
from metaclip_curate.storage.redaction import public_name
from metaclip_curate.storage.retry import InputError
from metaclip_curate.storage.urls import CRAWL_PREFIX, is_local, local_path, resolve

_MOST_BYTES = 1 << 29  # of an uncompressed list: five million paths as long as Common Crawl's

# cc:CC-MAIN-2025-30, cc:CC-MAIN-2025-30:20, cc:CC-MAIN-2025-30:20:warc, cc:CC-NEWS/2024/01:warc
_CRAWL = re.compile(r"cc:([\w-]+(?:/\d+)*)(?::(\d+))?(?::(wat|warc))?", re.ASCII)


def read_lines(path: str, options: StorageOptions) -> Iterator[tuple[int, str]]:
    """Yields the line numbers and the paths of a list, without empty lines and comments.

    Args:
        path: Path or URL of the list, which may be gzipped.
        options: Credentials and limits for reading it.

    Raises:
        UserError: The list can't be read, is damaged, or isn't text.
    """
    shown = public_name(path)
    try:
        data = _read(path, options)
        if data.startswith(b"\x1f\x8b"):
            data = _decompress(data)
        text = data.decode("utf-8-sig")
    except InputError as error:
        raise UserError(f"the list {shown} can't be read ({error.reason}): check the name") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"the list {shown} is damaged ({error}): fetch it again") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{shown} isn't a list of paths, since it isn't text in UTF-8 ({error}): check the name"
        ) from error
    for number, line in enumerate(text.split("\n"), 1):
        name = line.strip()
        if name and not name.startswith("#"):
            yield number, name


def crawl_paths(spec: str, options: StorageOptions, seed: int) -> list[str]:
    """Returns paths of a crawl's files, in the order of Common Crawl's list.

    Args:
        spec: cc:CRAWL, cc:CRAWL:N or cc:CRAWL:N:warc.
        options: Credentials and limits for reading the list.
        seed: Seed of the choice of N files.

    Raises:
        UserError: The spec is malformed, or there is no list of such a crawl.
    """
    match = _CRAWL.fullmatch(spec)
    if match is None:
        raise UserError(
            f"{spec} names no crawl: write cc:CC-MAIN-2025-30, or cc:CC-MAIN-2025-30:20 for 20 of its files"
        )
    name, count, kind = match[1], match[2], match[3] or "wat"
    if count is not None and int(count) == 0:
        raise UserError(f"{spec} asks for 0 files: write 1 or more, or no number for all")
    listing = f"{CRAWL_PREFIX}{name}/{kind}.paths.gz"
    try:
        paths = [line for _, line in read_lines(listing, options)]
    except UserError as error:
        raise UserError(
            f"{spec} has no list of {kind.upper()} files at {public_name(resolve(listing, options))} "
            f"({error.__cause__}): choose a crawl of https://index.commoncrawl.org/collinfo.json"
        ) from error
    if not paths:
        raise UserError(f"{public_name(resolve(listing, options))} lists no paths: choose another crawl than {spec}")
    if count is None:
        return paths
    chosen = set(sorted(paths, key=lambda path: (_rank(seed, path), path))[: int(count)])
    return [path for path in paths if path in chosen]


def _rank(seed: int, path: str) -> bytes:
    return hashlib.blake2b(f"{seed}\n{path}".encode(), digest_size=8).digest()


def _read(path: str, options: StorageOptions) -> bytes:
    if is_local(path) and special_kind(local_path(path)):
        return Path(local_path(path)).read_bytes()
    with open_input(path, options) as stream:
        return read_whole(stream, _MOST_BYTES)


def _decompress(data: bytes) -> bytes:
    with gzip.open(io.BytesIO(data)) as file:
        unpacked = file.read(_MOST_BYTES + 1)
    if len(unpacked) > _MOST_BYTES:
        raise zlib.error(f"unpacked it has more than {_MOST_BYTES:,} bytes")
    return unpacked
