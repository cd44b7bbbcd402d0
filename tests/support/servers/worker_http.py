"""An HTTP server that Spark's workers reach without a proxy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.support.servers.faulty_http import FaultyHTTPServer


@pytest.fixture
def http(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyHTTPServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    before = dict(spark.sparkContext.environment)
    spark.sparkContext.environment["no_proxy"] = "127.0.0.1"
    with FaultyHTTPServer() as server:
        yield server
    spark.sparkContext.environment.clear()
    spark.sparkContext.environment.update(before)
