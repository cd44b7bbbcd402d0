"""A screen for the columns of a pool that the run has kept."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from metaclip_curate.screens.expression import Expression
from metaclip_curate.screens.pairs import Mask, ScreenedPairs, mask_of


class ColumnScreen:
    """Rejects pairs that don't fulfil an expression over kept columns. A pair for which a null leaves it open passes.

    Args:
        expression: The expression.
    """

    reason = "column"

    def __init__(self, expression: Expression) -> None:
        self._expression = expression

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which pairs don't fulfil the expression."""
        if not self._expression.names <= set(pairs.rows.schema.names):  # a text that isn't of the run has no columns
            return np.zeros(pairs.rows.num_rows, np.bool_)
        columns = {name: pairs.column(name) for name in self._expression.names}
        return mask_of(pc.invert(self._expression.compute(columns)))
