"""Distinct pairs of one language as screens read them."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate.screens.hosts import Hosts, hosts_of

Mask = npt.NDArray[np.bool_]


class ScreenedPairs:
    """n pairs.

    Args:
        rows: Rows with the columns of `schemas.DISTINCT`, or as many of them as the screens read.
        language: Language of the pairs' labels: the code of a Wikipedia, whether or not there is metadata of it.

    Attributes:
        rows: As given.
        language: As given.
    """

    def __init__(self, rows: pa.RecordBatch, language: str) -> None:
        self.rows = rows
        self.language = language

    def column(self, name: str) -> pa.Array:
        """Returns a column, of length n; a dictionary becomes a plain array."""
        column = self.rows.column(self.rows.schema.get_field_index(name))
        return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column

    @cached_property
    def image_hosts(self) -> Hosts:
        """The hosts of the images."""
        return hosts_of(self.column("url"))

    @cached_property
    def page_hosts(self) -> Hosts:
        """The hosts of the pages."""
        return hosts_of(self.column("page_url"))


class Screen(Protocol):
    """A rule that rejects pairs.

    Attributes:
        reason: Its name, one of `reasons.REASONS`.
    """

    reason: str

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which of n pairs the rule rejects, shape (n,)."""
        ...


def mask_of(rejected: pa.Array) -> Mask:
    """Returns an Arrow array of truth values, in which a null rejects nothing, as a mask."""
    mask: Mask = rejected.fill_null(False).to_numpy(zero_copy_only=False)
    return mask
