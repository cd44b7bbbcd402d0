"""What was taken down from a run, and for which pairs it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.removed_table import read_removed, removals
from metaclip_curate.screens.pairs import ScreenedPairs
from metaclip_curate.screens.removed import Removal, RemovedScreen


class RemovedPairs:
    """The removals of a run, with their dates and reasons.

    Args:
        folder: The run folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._rows: list[dict[str, str]] = read_removed(folder).to_pylist()
        self._screen = RemovedScreen(removals(folder))

    def removal(self, pair: Mapping[str, Any]) -> dict[str, str] | None:
        """Returns the row of the table `removed` that applies to a pair, the first if there are several.

        Args:
            pair: Row with uid, image_id, url and page_url.
        """
        pairs = ScreenedPairs(pa.RecordBatch.from_pylist([dict(pair)]), "")
        if not self._screen.rejects(pairs)[0]:
            return None
        return next(row for row in self._rows if RemovedScreen([_of(row)]).rejects(pairs)[0])


def _of(row: Mapping[str, Any]) -> Removal:
    return Removal(row["kind"], row["value"])
