"""What was taken down from a run: the table `removed`, and the screen that keeps it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa

from metaclip_curate.screens.host_list import ALONE, WITH_SUBDOMAINS
from metaclip_curate.screens.host_screens import HostScreen
from metaclip_curate.screens.host_table import Hashes, HostTable, string_hashes
from metaclip_curate.screens.pairs import Mask, ScreenedPairs
from metaclip_curate.screens.public_suffixes import are_public_suffixes

Kind = Literal["uid", "url", "host", "image_id"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Columns of a table by which it is known whether a row was taken down.
DECIDING = ("uid", "image_id", "url", "page_url")


class Removal(NamedTuple):
    """Something that was taken down.

    Attributes:
        kind: What the value is.
        value: A uid, a URL in normal form, a host, or an image id.
    """

    kind: Kind
    value: str


class RemovedScreen:
    """Rejects what was taken down.

    Args:
        removals: Uids, image URLs and image ids of pairs, and hosts of images or pages with what is below them.
    """

    reason = "removed"

    def __init__(self, removals: Iterable[Removal]) -> None:
        values: Mapping[Kind, list[str]] = {kind: [] for kind in KINDS}
        for removal in removals:
            values[removal.kind].append(removal.value)
        self._columns: dict[Kind, HostTable] = {
            kind: _table(string_hashes(pa.array(values[kind], pa.string())))
            for kind in KINDS
            if kind != "host" and values[kind]
        }
        self._hosts = HostScreen(_hosts(values["host"])) if values["host"] else None

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which pairs were taken down."""
        rejected = np.zeros(pairs.rows.num_rows, np.bool_)
        for column, table in self._columns.items():
            rejected |= table.find(string_hashes(pairs.column(column))) >= 0
        return rejected | self._hosts.rejects(pairs) if self._hosts else rejected

    def rejects_rows(self, rows: pa.RecordBatch) -> Mask:
        """Returns which rows of a table were taken down, whatever their language.

        Args:
            rows: Rows with the columns DECIDING.
        """
        return self.rejects(ScreenedPairs(rows, ""))


def _table(hashes: Hashes) -> HostTable:
    return HostTable.of([hashes], [np.zeros(len(hashes), np.uint8)])


def _hosts(names: Sequence[str]) -> HostTable:
    hosts = pa.array(names, pa.string())
    values = np.where(are_public_suffixes(hosts), ALONE, WITH_SUBDOMAINS).astype(np.uint8)
    return HostTable.of([string_hashes(hosts)], [values])
