"""Lists of hosts in the forms in which they are published: plain lists, hosts files, and folders of categories."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.screens.host_table import HostTable, string_hashes
from metaclip_curate.screens.hosts import normal_host
from metaclip_curate.screens.public_suffixes import are_public_suffixes, top_level_domains
from metaclip_curate.storage import InputError, StorageOptions

# Numbers of a host in the table: hosts below it are rejected too, or, as it is a public suffix, none below it.
WITH_SUBDOMAINS, ALONE = 0, 1
# The list of a category in folders such as those of the University of Toulouse.
_CATEGORY_FILE = "domains"
_BLOCK_BYTES = 1 << 23
_GZIP = b"\x1f\x8b"
_HOST = r"^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$"
_IS_HOST = re.compile(_HOST)
# What begins nearly every line of a hosts file.
_ADDRESS = r"^(?:0\.0\.0\.0|127\.0\.0\.1)[ \t]+"
# Names that hosts files have for the machine itself and its network.
_LOCAL_NAMES = frozenset(
    [
        *("localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0", "ip6-localhost", "ip6-loopback"),
        *("ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "ip6-allhosts"),
    ]
)
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class HostList:
    """A list of hosts, or the lists of a folder together.

    Attributes:
        source: Path or URL, as it was given.
        digest: SHA-256 of the file; of a folder, of its files' names and digests.
        table: The hosts.
        public_suffixes: Number of the hosts that are public suffixes.
    """

    source: str
    digest: str
    table: HostTable
    public_suffixes: int


def read_host_list(source: str, options: StorageOptions) -> HostList:
    """Reads a list.

    Args:
        source: Path or URL of a list with a host a line or of a hosts file, either of which may be gzipped; or of a
            folder that has such a file named `domains`, or folders with one.
        options: Credentials and limits for reading it.

    Raises:
        UserError: It can't be read, or a line is neither a host nor a line of a hosts file.
    """
    hashes, values, suffixes = [], [], 0
    for path in list_files(source, options):
        for hosts in read_hosts(path, options):
            is_suffix = are_public_suffixes(hosts)
            hashes.append(string_hashes(hosts))
            values.append(np.where(is_suffix, ALONE, WITH_SUBDOMAINS).astype(np.uint8))
            suffixes += int(is_suffix.sum())
    return HostList(source, list_digest(source, options), HostTable.of(hashes, values), suffixes)


def list_files(source: str, options: StorageOptions) -> list[str]:
    """Returns the files of a list: itself, or those named `domains` in a folder and the folders in it.

    Raises:
        UserError: A folder has no such file.
    """
    names = storage.list_folder(source, options, recursive=True) if not storage.is_web(source) else []
    if not names:
        return [source]
    found = [name for name in names if name.rsplit("/", 1)[-1] == _CATEGORY_FILE]
    if not found:
        raise UserError(
            f"--host-list {source} is a folder without a file named {_CATEGORY_FILE}, in which a list of a category "
            "has its hosts: name the list's file"
        )
    return [storage.join(source, name) for name in found]


def list_digest(source: str, options: StorageOptions) -> str:
    """Returns the SHA-256 of a list, as `HostList.digest`.

    Raises:
        UserError: It can't be read.
    """
    files = list_files(source, options)
    digests = [_digest(path, options) for path in files]
    if files == [source]:
        return digests[0]
    named = "".join(f"{path.removeprefix(source)} {digest}\n" for path, digest in zip(files, digests, strict=True))
    return hashlib.sha256(named.encode()).hexdigest()


def read_hosts(path: str, options: StorageOptions) -> Iterator[pa.StringArray]:
    """Yields the hosts of a file in the order of its lines, some of which may be repeated.

    Raises:
        UserError: The file can't be read, or has a line that is broken.
    """
    number = 1
    for block in _blocks(path, options):
        yield parse_hosts(block, path, number)
        number += block.count(b"\n")


def parse_hosts(block: bytes, source: str, first_line: int = 1) -> pa.StringArray:
    """Reads whole lines of a list.

    Args:
        block: The lines.
        source: Path or URL of the list, for messages.
        first_line: Number of the first line.

    Returns:
        Hosts in lower case and ASCII, without a leading `*.`.

    Raises:
        UserError: A line is broken; the message has its number, and what is right.
    """
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first_line + block.count(b"\n", 0, error.start)
        raise UserError(f"{source}:{line} isn't UTF-8: save the list as UTF-8 with a host a line") from error
    if first_line == 1:
        text = text.removeprefix("\ufeff")
    lines = pa.array(text.split("\n"), pa.string())
    hosts = pc.replace_substring_regex(lines, _ADDRESS, "") if "0.0." in text else lines
    plain = pc.match_substring_regex(hosts, _HOST)
    if pc.all(plain).as_py():
        return hosts
    others = np.flatnonzero(~plain.to_numpy(zero_copy_only=False)).tolist()
    odd = lines.take(pa.array(others, pa.int64())).to_pylist()
    read = [host for at, line in zip(others, odd, strict=True) for host in _line(line, source, first_line + at)]
    return pa.concat_arrays([hosts.filter(plain), pa.array(read, pa.string())])


def _line(line: str, source: str, number: int) -> Iterator[str]:
    """Yields the hosts of a line that isn't just a host in lower case."""
    words = line.partition("#")[0].split()
    in_hosts_file = len(words) > 1 and _is_address(words[0])
    if len(words) > 1 and not in_hosts_file:
        raise _broken(line, source, number)
    for word in words[1:] if in_hosts_file else words:
        if in_hosts_file and word in _LOCAL_NAMES:
            continue
        yield _host(word, line, source, number)


def _host(word: str, line: str, source: str, number: int) -> str:
    name = word.removeprefix("*.").strip(".").lower()
    if ":" in name and _is_address(name):
        return normal_host(f"[{name}]")
    if not name.isascii():
        name = normal_host(name)
    if _IS_HOST.match(name) or name in top_level_domains():
        return name
    raise _broken(line, source, number)


def _broken(line: str, source: str, number: int) -> UserError:
    shown = line.strip()[:_LONGEST_SHOWN]
    return UserError(
        f"{source}:{number} has {shown!r}, which is no host: write a host a line, such as example.com, without scheme "
        "and path, or a line of a hosts file, such as 0.0.0.0 example.com"
    )


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word.partition("%")[0])
    except ValueError:
        return False
    return True


def _blocks(path: str, options: StorageOptions) -> Iterator[bytes]:
    """Yields a file's content in blocks of whole lines, unpacked if it is gzip."""
    rest = b""
    for piece in _unpacked(path, options):
        data = rest + piece
        end = data.rfind(b"\n") + 1
        rest = data[end:]
        if end:
            yield data[:end]
    if rest:
        yield rest


def _unpacked(path: str, options: StorageOptions) -> Iterator[bytes]:
    pieces = read_pieces(path, options)
    first = next(pieces, b"")
    if not first.startswith(_GZIP):
        yield first
        yield from pieces
        return
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for piece in chain([first], pieces):
            packed = piece
            while packed:
                if unpacker.eof:  # before the next member of a file that was joined of several, or zeros
                    packed = packed.lstrip(b"\0")
                    if not packed:
                        break
                    unpacker = zlib.decompressobj(wbits=31)
                yield unpacker.decompress(packed)
                packed = unpacker.unused_data
    except zlib.error as error:
        raise UserError(f"{path} is damaged gzip ({error}): fetch it again") from error
    if not unpacker.eof:
        raise UserError(f"{path} ends within its gzip data: fetch it again")


def read_pieces(path: str, options: StorageOptions) -> Iterator[bytes]:
    """Yields a file's bytes as stored, in pieces of 8 MiB.

    Raises:
        UserError: The file can't be read.
    """
    try:
        with storage.open_input(path, options) as stream:
            while piece := stream.read(_BLOCK_BYTES):
                yield piece
    except InputError as error:
        raise UserError(f"{path} can't be read ({error.reason}): check the name") from error


def _digest(path: str, options: StorageOptions) -> str:
    found = hashlib.sha256()
    for piece in read_pieces(path, options):
        found.update(piece)
    return found.hexdigest()
