"""The manifest as a Lance data set, which needs the extra `lance`."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from metaclip_curate.errors import UserError, install_extra


def write_lance(schema: pa.Schema, batches: Iterable[pa.RecordBatch], url: str) -> int:
    """Writes a data set.

    Args:
        schema: Schema of the rows.
        batches: Rows.
        url: Path or URL of the data set. Lance reaches a store with the credentials of the environment.

    Returns:
        Number of rows.

    Raises:
        UserError: The extra isn't installed.
    """
    try:
        import lance
    except ImportError as error:
        raise UserError(f"--format lance needs pylance: {install_extra('lance')}") from error
    return int(lance.write_dataset(pa.RecordBatchReader.from_batches(schema, batches), url).count_rows())
