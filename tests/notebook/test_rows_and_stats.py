"""What is said if the workers can't compute."""

from __future__ import annotations

import pytest
from pyspark.errors import PySparkException

from metaclip_curate.errors import UserError
from metaclip_curate.notebook.rows_and_stats import check_modules


def test_a_module_that_the_workers_lack() -> None:
    with pytest.raises(UserError, match=r"the Python of Spark's workers has no module pyarrow: .*PYSPARK_PYTHON"):
        check_modules(PySparkException("Traceback ...\nModuleNotFoundError: No module named 'pyarrow'\n"))
    check_modules(PySparkException("Traceback ...\nKeyError: 'pyarrow'\n"))
