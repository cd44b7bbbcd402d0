"""Hosts that forbid the use of their content, as `metaclip-curate policies build` writes them to a folder."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.screens.host_table import HostTable, string_hashes
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_bytes import read_parquet

HOSTS_FILE, ABOUT_FILE = "hosts.parquet", "policies.json"
# One row a host that forbids, sorted by host.
HOSTS = pa.schema([pa.field("host", pa.string()), pa.field("rule", pa.dictionary(pa.int8(), pa.string()))])
MOST_RULES = 100
KIND = "metaclip-curate policies"  # what policies.json names as its maker


@dataclass(frozen=True)
class HostPolicies:
    """Hosts that forbid.

    Attributes:
        table: The hosts, each with the number of its rule.
        rules: Names of the rules by their numbers.
    """

    table: HostTable
    rules: tuple[str, ...]


def read_host_policies(folder: str, options: StorageOptions) -> HostPolicies:
    """Reads the hosts of a folder.

    Raises:
        UserError: The folder wasn't written by `policies build`.
    """
    try:
        rows = read_parquet(_bytes(folder, options))
        hosts, rules = rows.column("host").combine_chunks(), rows.column("rule").unify_dictionaries().combine_chunks()
        names = tuple(rules.dictionary.to_pylist())
        numbers = rules.indices.to_numpy(zero_copy_only=False).astype(np.uint8)
    except (pa.ArrowException, KeyError, AttributeError) as error:
        raise UserError(
            f"{storage.join(folder, HOSTS_FILE)} isn't a table of hosts and rules ({error}): write it with "
            "`metaclip-curate policies build`"
        ) from error
    return HostPolicies(HostTable.of([string_hashes(hosts.cast(pa.string()))], [numbers]), names)


def policies_digest(folder: str, options: StorageOptions) -> str:
    """Returns the SHA-256 of the table of a folder.

    Raises:
        UserError: The folder has none.
    """
    return hashlib.sha256(_bytes(folder, options)).hexdigest()


def require_replaceable(folder: str, options: StorageOptions) -> None:
    """Checks that a folder is empty, or has the two files of `policies build` as they were written.

    Args:
        folder: Path or URL of the folder, which need not exist.
        options: Credentials and limits for the folder.

    Raises:
        UserError: It has other files, one of these is missing, or they aren't what was written.
    """
    present = storage.list_folder(folder, options)
    if not present:
        return
    if not {HOSTS_FILE, ABOUT_FILE} & set(present):
        raise UserError(f"--output {folder} has files of something else: name another folder")
    try:
        about = json.loads(storage.read_bytes(storage.join(folder, ABOUT_FILE), options))
        hosts = storage.read_bytes(storage.join(folder, HOSTS_FILE), options)
        ours = about["kind"] == KIND and about["sha256"] == hashlib.sha256(hosts).hexdigest()
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        ours = False
    if not ours:
        raise UserError(
            f"--output {folder} has a {HOSTS_FILE} or {ABOUT_FILE} that isn't as `metaclip-curate policies build` "
            "wrote it: name another folder, or move both away"
        )


def write_host_policies(
    folder: str, rules: Mapping[str, str], about: Mapping[str, Any], options: StorageOptions
) -> None:
    """Writes a folder.

    Args:
        folder: Path or URL of the folder.
        rules: Name of the rule of each host that forbids.
        about: What it was made from and how, as JSON types.
        options: Credentials and limits for the folder.
    """
    hosts = sorted(rules)
    names = sorted(set(rules.values()))
    number_of = {name: number for number, name in enumerate(names)}
    numbers = pa.array([number_of[rules[host]] for host in hosts], pa.int8())
    column = pa.DictionaryArray.from_arrays(numbers, pa.array(names, pa.string()))
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(hosts, pa.string()), column], schema=HOSTS), sink, compression="zstd")
    data = sink.getvalue()
    document = {"kind": KIND, "sha256": hashlib.sha256(data).hexdigest(), **about}
    storage.write_bytes(storage.join(folder, HOSTS_FILE), data, options)
    storage.write_bytes(storage.join(folder, ABOUT_FILE), json.dumps(document, indent=1).encode() + b"\n", options)


def _bytes(folder: str, options: StorageOptions) -> bytes:
    url = storage.join(folder, HOSTS_FILE)
    try:
        return storage.read_bytes(url, options)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"--host-policies {folder} has no {HOSTS_FILE}: name a folder that `metaclip-curate policies build` wrote"
        ) from None
