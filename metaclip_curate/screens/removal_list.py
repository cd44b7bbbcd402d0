"""Files that name what is taken down: uids, URLs, hosts or image ids, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from metaclip_curate.errors import UserError
from metaclip_curate.screens.host_list import read_hosts, read_pieces
from metaclip_curate.screens.hosts import normal_url
from metaclip_curate.screens.removed import Kind, Removal
from metaclip_curate.storage import StorageOptions

_HEX = {"uid": re.compile("[0-9a-f]{32}"), "image_id": re.compile("[0-9a-f]{24}")}
_RIGHT = {
    "uid": "a uid has 32 hex digits",
    "image_id": "an image id has 24 hex digits",
    "url": "a URL begins with http:// or https://",
}
_LONGEST_SHOWN = 60


def read_removals(kind: Kind, path: str, options: StorageOptions) -> list[Removal]:
    """Reads a file.

    Args:
        kind: What its lines are.
        path: Path or URL of the file. Empty lines and comments after `#` at the start of a line don't count.
        options: Credentials and limits for reading it.

    Returns:
        What is taken down, each once, in the order of the lines.

    Raises:
        UserError: The file can't be read or names nothing, or a line is broken.
    """
    if kind == "host":
        values = [name for hosts in read_hosts(path, options) for name in hosts.to_pylist()]
    else:
        values = list(_values(kind, path, options))
    if not values:
        raise UserError(f"{path} names nothing to remove: write what --{kind.replace('_', '-')} removes, one a line")
    return [Removal(kind, value) for value in dict.fromkeys(values)]


def _values(kind: Kind, path: str, options: StorageOptions) -> Iterator[str]:
    data = b"".join(read_pieces(path, options)).removeprefix(b"\xef\xbb\xbf")
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            written = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise UserError(f"{path}:{number} isn't UTF-8 text: save the list as UTF-8, one value a line") from error
        if not written or written.startswith("#"):
            continue
        value = _value(kind, written)
        if value is None:
            raise UserError(f"{path}:{number} has {written[:_LONGEST_SHOWN]!r}: {_RIGHT[kind]}")
        yield value


def _value(kind: Kind, written: str) -> str | None:
    """Returns a value as tables have it; None if it is none."""
    if kind == "url":
        return written if written.startswith("urn:pool:") else normal_url(written)
    lowered = written.lower()
    return lowered if _HEX[kind].fullmatch(lowered) else None
