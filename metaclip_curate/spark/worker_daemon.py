"""The process from which a local session forks its Python workers, as `pyspark.daemon`, with large imports done.

All stages compute with NumPy and Arrow, whose import takes half a second. Each worker would do it again.
"""

from __future__ import annotations

import numpy  # noqa: F401
import pyarrow.compute
import pyarrow.parquet  # noqa: F401
from pyspark.daemon import manager

if __name__ == "__main__":
    manager()
