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
    storage.write_bytes(storage.join(folder, HOSTS_FILE), sink.getvalue(), options)
    storage.write_bytes(storage.join(folder, ABOUT_FILE), json.dumps(about, indent=1).encode() + b"\n", options)


def _bytes(folder: str, options: StorageOptions) -> bytes:
    url = storage.join(folder, HOSTS_FILE)
    try:
        return storage.read_bytes(url, options)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"--host-policies {folder} has no {HOSTS_FILE}: name a folder that `metaclip-curate policies build` wrote"
        ) from None
