"""Lists of images by the hashes of their files or of what they show: a hash a line, in hex digits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from metaclip_curate.console.wording import counted
from metaclip_curate.errors import UserError
from metaclip_curate.options.image_screens import MOST_DISTANCE
from metaclip_curate.screens.host_list import read_pieces
from metaclip_curate.storage import StorageOptions

# Kinds of hashes, and their numbers of hex digits.
DIGITS = {"sha256": 64, "md5": 32, "pdq": 64}
_PDQ = "pdq"
_HEX = re.compile(r"[0-9a-fA-F]+")
_SEPARATORS = re.compile(r"[\s,;]+")
_LONGEST_SHOWN = 70


@dataclass(frozen=True)
class ImageListName:
    """A value of --image-list.

    Attributes:
        kind: Kind of its hashes, one of `DIGITS`.
        distance: Largest number of bits in which a PDQ hash may differ; 0 for other kinds.
        path: Path or URL of the file.
    """

    kind: str
    distance: int
    path: str


@dataclass(frozen=True)
class ImageList:
    """A list of images.

    Attributes:
        name: What it was read from.
        digest: SHA-256 of the file.
        hashes: The hashes in lower case.
    """

    name: ImageListName
    digest: str
    hashes: pa.StringArray


def split_image_list(value: str) -> ImageListName:
    """Reads a value of --image-list.

    Raises:
        UserError: It isn't KIND=FILE, or the distance is out of range.
    """
    kind, equals, path = value.partition("=")
    kind, colon, distance = kind.partition(":")
    if not equals or not path or kind not in DIGITS or (colon and kind != _PDQ):
        raise UserError(
            f"--image-list {value} doesn't say what its hashes are: write sha256=FILE, md5=FILE, pdq=FILE or, with the "
            "largest number of different bits, pdq:31=FILE"
        )
    if colon and (not distance.isascii() or not distance.isdigit() or int(distance) > MOST_DISTANCE):
        raise UserError(f"--image-list {value} has a distance that isn't a number from 0 to {MOST_DISTANCE}")
    return ImageListName(kind, (int(distance) if colon else MOST_DISTANCE) if kind == _PDQ else 0, path)


def read_image_list(name: ImageListName, options: StorageOptions) -> ImageList:
    """Reads a list.

    Args:
        name: Kind and file.
        options: Credentials and limits for reading it.

    Raises:
        UserError: It can't be read, or a line is broken.
    """
    data = b"".join(read_pieces(name.path, options))
    return ImageList(name, hashlib.sha256(data).hexdigest(), pa.array(parse_hashes(data, name), pa.string()))


def parse_hashes(data: bytes, name: ImageListName) -> Iterator[str]:
    """Yields the hashes of a list, in lower case: the first word of each line. `#` begins a comment.

    Args:
        data: Content of the file, as one hash a line, as `sha256sum` prints it, or as CSV with the hash first.
        name: Kind of the hashes, and the file's name for messages.

    Raises:
        UserError: A line is broken; the message has its number, and what is right.
    """
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        text = line.partition(b"#")[0].strip().decode("utf-8", "replace")
        if not text:
            continue
        found = _SEPARATORS.split(text)[0].strip("\"'")
        if len(found) != DIGITS[name.kind] or not _HEX.fullmatch(found):
            wrong = f"of {counted(len(found), 'character')}, " if _HEX.fullmatch(found) else ""
            raise UserError(
                f"{name.path}:{number} has {found[:_LONGEST_SHOWN]!r}, {wrong}which is no {name.kind} hash: write "
                f"{DIGITS[name.kind]} hex digits at the beginning of each line, or name the list by its kind "
                f"({', '.join(DIGITS)})"
            )
        yield found.lower()
