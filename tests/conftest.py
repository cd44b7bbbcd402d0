"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).parent.parent
REAL_DATA = ROOT.parent / "shared" / "data"


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names packed bytes by their number: a gzip member holds the time at which it was made.

    The processes that share the tests must give them the same names.
    """
    return f"{len(val)} bytes" if isinstance(val, bytes) and not val.isascii() else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Pages of Common Crawl and pieces of Wikipedias, which are not part of the project."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real data in {REAL_DATA}: it is not part of the project")
    return REAL_DATA


@pytest.fixture(scope="session")
def mini_wats() -> list[Path]:
    """The WATs that ship."""
    return sorted((ROOT / "examples" / "wat").glob("*.warc.wat.gz"))


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One local session for the whole run, started as cheaply as possible."""
    import os
    import sys

    import pyspark
    from pyspark.sql import SparkSession

    from metaclip_curate.spark.java import find_java_home
    from metaclip_curate.spark.session import local_settings

    home = find_java_home(pyspark.__version__)
    if home:
        os.environ["JAVA_HOME"] = home
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.appName("tests").master("local[2]")
    settings = local_settings("2g")
    for name, value in settings.items():
        builder = builder.config(name, value)
    # Tests are short: what the JVM would compile further never pays.
    java = f"{settings['spark.driver.extraJavaOptions']} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    builder = builder.config("spark.driver.extraJavaOptions", java)
    session = builder.config("spark.sql.shuffle.partitions", "4").getOrCreate()
    yield session
    session.stop()
