"""Fixtures of all tests."""

from __future__ import annotations

import importlib.util
import os
import re
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import quick_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).parent.parent
REAL_DATA = ROOT.parent / "shared" / "data"
_NO_REAL_DATA = "no real data"
_SLOW = {"real_data", "s3_process", "gcs_server"}
# What `make test-fast` asks for, and the first mark of a module whose tests it leaves out.
_FAST = "not spark and not slow"
_NOT_FAST = re.compile(r'^pytestmark = \[?\s*pytest\.mark\.(slow|spark|cluster|usefixtures\("spark"\))', re.MULTILINE)

if importlib.util.find_spec("hypothesis"):
    # An example may take long on a machine that has other work; tests of time measure it themselves.
    from hypothesis import settings

    settings.register_profile("without a deadline", deadline=None)
    settings.load_profile("without a deadline")


def pytest_configure() -> None:
    """Gives Spark quick settings in this process and in those that tests start, and waits for no disk.

    A job of spark-submit doesn't read them: test_spark_submit.py has queries compiled, as users do.
    """
    os.environ["PYSPARK_SUBMIT_ARGS"] = quick_spark.submit_arguments()
    # No test outlives a power cut: to wait for the disk takes a sixth of the fast tests' time.
    vars(os)["fsync"] = lambda descriptor: None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Doesn't import a module of which `make test-fast` runs nothing: some need packages that take a second."""
    if config.option.markexpr == _FAST and collection_path.match("test_*.py"):
        return bool(_NOT_FAST.search(collection_path.read_text(encoding="utf-8"))) or None
    return None


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names packed bytes by their number: a gzip member holds the time at which it was made.

    The processes that share the tests must give them the same names.
    """
    return f"{len(val)} bytes" if isinstance(val, bytes) and not val.isascii() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that use the shared session with `spark`.

    Those that read whole real files or ask the server of an object store, which takes seconds to start, get `slow`.

    Files with tests of Spark come first: they take longest, and processes that share the files end at the same time if
    the last files are short ones.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "spark" in fixtures or item.get_closest_marker("cluster"):
            item.add_marker("spark")
        if _SLOW.intersection(fixtures):
            item.add_marker("slow")
    starting = {item.path for item in items if item.get_closest_marker("spark")}
    items.sort(key=lambda item: item.path not in starting)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keeps a test without the marker `spark` from starting Spark, so that `make test-fast` leaves out all that do."""
    with pytest.MonkeyPatch.context() as patch:
        if not item.get_closest_marker("spark"):
            patch.setenv("SPARK_HOME", "/a test that starts Spark needs the marker spark")
        return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Lists the tests that were skipped because there is no real data."""
    reports = [report for report in terminalreporter.getreports("skipped") if _NO_REAL_DATA in str(report.longrepr)]
    if not reports:
        return
    terminalreporter.section("real data")
    terminalreporter.line(f"{len(reports)} tests were skipped because {REAL_DATA} doesn't exist. They read pages of")
    terminalreporter.line("Common Crawl, Wikipedia dumps and wordnets, which aren't part of the project:")
    for path, count in sorted(Counter(report.nodeid.partition("::")[0] for report in reports).items()):
        terminalreporter.line(f"  {count} in {path}")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pages, dumps and wordnets, which aren't part of the project."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"{_NO_REAL_DATA} in {REAL_DATA}")
    return REAL_DATA


@pytest.fixture(scope="session")
def mini_wats() -> list[Path]:
    """The WATs that ship."""
    return sorted((ROOT / "examples" / "wat").glob("*.warc.wat.gz"))


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One local session for the whole run, started as cheaply as possible."""
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
    daemon = {"spark.python.daemon.module": "metaclip_curate.spark.worker_daemon"}  # as in a local run
    for name, value in (local_settings("2g") | daemon).items():
        builder = builder.config(name, value)
    session = builder.config("spark.sql.shuffle.partitions", "4").getOrCreate()
    yield session
    session.stop()
