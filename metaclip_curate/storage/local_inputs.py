"""Input files on this machine: files, folders and patterns."""

from __future__ import annotations

import glob
import os
import posixpath
from collections.abc import Iterable
from pathlib import Path

from metaclip_curate.errors import UserError
from metaclip_curate.storage import globs
from metaclip_curate.storage.local import special_kind
from metaclip_curate.storage.redaction import scrub
from metaclip_curate.storage.run_folders import outside_run_folders
from metaclip_curate.storage.urls import CRAWL_PREFIX, local_path

CRAWL_SUFFIXES = (".wat", ".wat.gz", ".wat.zst", ".warc", ".warc.gz", ".warc.zst")
POOL_SUFFIXES = (*(".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".tar"),)
INPUT_SUFFIXES = (*CRAWL_SUFFIXES, *POOL_SUFFIXES)
LIST_SUFFIXES = (".paths", ".paths.gz")


def inputs_among(names: Iterable[str]) -> list[str]:
    """Returns those of the files below a folder that are inputs, by their names, sorted.

    Args:
        names: Paths of all files below the folder, relative to it.
    """
    found = {name for name in outside_run_folders(list(names)) if _is_input(name)}
    # img2dataset writes a table of the same samples beside each shard.
    return sorted(name for name in found if not (name.endswith(_TABLE) and _shard_of(name) in found))


_TABLE, _SHARD = ".parquet", ".tar"


def _shard_of(table: str) -> str:
    return table.removesuffix(_TABLE) + _SHARD


def _is_input(name: str) -> bool:
    # Copying tools give unfinished files a name that begins with a dot, and Spark and others their own files and
    # folders names with a dot or an underscore.
    if name.endswith(POOL_SUFFIXES):
        return not any(part.startswith((".", "_")) for part in name.split("/"))
    return name.endswith(CRAWL_SUFFIXES) and not posixpath.basename(name).startswith(".")


def local_inputs(spec: str) -> list[str]:
    """Returns the names of the files, lists among them, that a path, a folder or a pattern stands for.

    Args:
        spec: Path, file: URL or pattern.

    Returns:
        Names in order; none if a folder, or all that matches a pattern, holds no input.

    Raises:
        UserError: Nothing has this name, or it is a pipe, a socket or a device.
        OSError: A name is too long, or a folder can't be read.
    """
    path = local_path(spec)
    if Path(path).is_dir():
        return _inputs_below(path)
    if Path(path).exists():
        require_file(path, spec)
        return [local_name(path)]
    if not globs.has_wildcard(path):
        raise UserError(f"{scrub(spec)} doesn't exist: check the name")
    # Path.glob takes no absolute pattern.
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    if not matches:
        raise UserError(f"{spec} matches nothing: check the pattern, and quote it for the shell")
    found: list[str] = []
    for match in matches:
        if Path(match).is_dir():
            found.extend(_inputs_below(match))
        elif not special_kind(match):
            found.append(local_name(match))
    return found


def require_file(path: str, named: str) -> None:
    """Refuses a pipe, a socket or a device, unless it is a list.

    Args:
        path: Local path.
        named: How the user named it, for the message.

    Raises:
        UserError: The path is none of a file, a folder and a list.
    """
    # A list is read only once, so that it may be a pipe.
    kind = "" if path.endswith(LIST_SUFFIXES) else special_kind(path)
    if kind:
        raise UserError(f"{named} is {kind}, and an input may be read more than once: give a file")


def local_name(path: str) -> str:
    """Returns the name of a local file: its normalised path, or its file: URL if the path isn't UTF-8."""
    name = os.path.normpath(path)
    try:
        name.encode()
    except UnicodeEncodeError:  # no table can hold such a name
        return Path(os.path.abspath(name)).as_uri()  # noqa: PTH100 (absolute() keeps ..)
    return f"./{name}" if name.startswith(CRAWL_PREFIX) else name


def _inputs_below(folder: str) -> list[str]:
    names: list[str] = []
    for parent, _, files in os.walk(folder):
        below = posixpath.relpath(parent, folder)
        names.extend(name if below == "." else posixpath.join(below, name) for name in files)
    paths = [posixpath.join(folder, name) for name in inputs_among(names)]
    return [local_name(path) for path in paths if not special_kind(path)]
