"""Distinct pairs, a batch at a time, without Spark: their languages, and the order in which they are matched."""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa

from metaclip_curate.language import LanguageIdentifier
from metaclip_curate.schemas import DISTINCT

_LANGUAGE_COLUMNS = [DISTINCT.field(name) for name in ("lang", "lang_score")]


def with_language(pairs: pa.RecordBatch, lid_model: str) -> pa.RecordBatch:
    """Appends the columns lang and lang_score.

    Args:
        pairs: Rows of `schemas.PAIRS` with the kept columns.
        lid_model: Path of the language-ID model; empty for the default.

    Returns:
        Rows of `schemas.DISTINCT` with the kept columns.
    """
    columns = [*pairs.columns, *_identifier(lid_model).identify(pairs.column("text"))]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([*pairs.schema, *_LANGUAGE_COLUMNS]))


@lru_cache(maxsize=1)
def _identifier(model: str) -> LanguageIdentifier:
    """Returns the model, which each worker loads once."""
    return LanguageIdentifier(model or None)
