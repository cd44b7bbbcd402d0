"""Tables that have what was taken down until it is purged, read without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from metaclip_curate.schemas import ddl
from metaclip_curate.screens.removed import DECIDING, Removal, RemovedScreen
from metaclip_curate.stages.shared.passes import Batches, Pass, Passes, Summing

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class StayingPasses:
    """Makes passes over the rows that weren't taken down.

    Args:
        passes: Makes passes over all rows.
        removals: What was taken down.
    """

    def __init__(self, passes: Passes, removals: Sequence[Removal]) -> None:
        self._passes, self._screen = passes, RemovedScreen(removals)

    def gather(self, each: Pass) -> pa.Table:
        """Makes a pass, and returns what was gathered in any order."""
        return self._passes.gather(self._of_staying(each))

    def add_up(self, passes: Sequence[Pass], summing: Summing) -> pa.Table:
        """Makes passes whose rows have the same schema, and adds their rows up."""
        return self._passes.add_up([self._of_staying(each) for each in passes], summing)

    def _of_staying(self, each: Pass) -> Pass:
        screen, gather = self._screen, each.gather

        def run(batches: Batches) -> Batches:
            yield from gather(_staying(batches, screen))

        return dataclasses.replace(each, columns=tuple(dict.fromkeys((*each.columns, *DECIDING))), gather=run)


def staying_rows(rows: DataFrame, schema: pa.Schema, removals: Sequence[Removal]) -> DataFrame:
    """Returns the rows that weren't taken down.

    Args:
        rows: Rows with the columns DECIDING.
        schema: Their schema.
        removals: What was taken down.
    """
    if not removals:
        return rows
    return rows.mapInArrow(partial(_staying, screen=RemovedScreen(removals)), ddl(schema))


def _staying(batches: Batches, screen: RemovedScreen) -> Batches:
    for batch in batches:
        yield batch.filter(pa.array(~screen.rejects_rows(batch)))
