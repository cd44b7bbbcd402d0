"""The Spark session: the cluster's, or a local one.

A cluster's session is that of spark-submit, or of the Spark Connect server that SPARK_REMOTE names: `sc://HOST:15002`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from metaclip_curate.console.failures import NO_PYSPARK
from metaclip_curate.console.interrupts import handler_kept
from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.options.run import RunOptions
from metaclip_curate.spark.class_archive import archive_options
from metaclip_curate.spark.java import find_java_home
from metaclip_curate.spark.java_process import java_ended_with_start

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOGGING = Path(__file__).parent / "log4j2.properties"
# The JVM of a local run mostly starts and plans, since Python workers do the work. On two cores it takes a third less
# processor time without the optimising compiler, even with four million pairs. With more cores, where runs are larger,
# it optimises only code that was called ten times as often as is usual.
_WITHOUT_OPTIMISING = "-XX:TieredStopAtLevel=1"
_OPTIMISE_LATER = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 -XX:Tier4CompileThreshold=150000 "
    "-XX:Tier4BackEdgeThreshold=400000"
)
_FEW_CORES = 4
_LOG_LEVEL = "spark.log.level"
# Not on another machine, where tasks may get this package only when the daemon runs.
_ON_THIS_MACHINE = {"spark.python.daemon.module": "metaclip_curate.spark.worker_daemon"}


def get_session(options: RunOptions, settings: Mapping[str, str] | None = None) -> SparkSession:
    """Returns the session that the program has, that of spark-submit or Spark Connect, or starts a local one.

    Args:
        options: `master`, `driver_memory` and `verbose` of a local session.
        settings: Further Spark settings of a local session, also of one that the program has.

    Raises:
        UserError: pyspark, a usable Java or a package for Spark Connect is missing.
    """
    try:
        import pyspark
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise UserError(NO_PYSPARK) from error
    if "SPARK_REMOTE" in os.environ:
        return _connected_session()
    if "PYSPARK_GATEWAY_PORT" in os.environ:  # spark-submit started the JVM, with its own settings and name
        with handler_kept():
            return _submitted_session(options.verbose)
    present = _present_session()
    if present is not None and not settings:
        return present  # the builder would change its settings, such as the number of partitions of a shuffle
    given = dict(settings or {})
    if re.match(r"local(-cluster)?\b", options.master):
        home = find_java_home(pyspark.__version__)
        if home:
            os.environ["JAVA_HOME"] = home
        given = _ON_THIS_MACHINE | given
    # Workers must run the interpreter that has this package.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("metaclip-curate").master(options.master)
    for name, value in (local_settings(options.driver_memory, options.verbose) | given).items():
        builder = builder.config(name, value)
    with handler_kept(), java_ended_with_start():
        return builder.getOrCreate()


def _present_session() -> SparkSession | None:
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    try:
        session = SparkSession.active()
    except PySparkRuntimeError:
        return None
    # PySpark also returns the session of a context that was stopped. Spark Connect has no context.
    context = getattr(session, "_sc", None)
    return session if context is None or context._jsc is not None else None


def _submitted_session(verbose: bool) -> SparkSession:
    """Returns spark-submit's session, which logs warnings and errors only, unless the user chose a level.

    Spark's own level is INFO: 2,500 lines in a small run, among which the tables that a command prints are lost.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    # Connects to the JVM, without which SparkConf doesn't have what was given to spark-submit.
    SparkContext._ensure_initialized()
    if not verbose and not SparkConf().contains(_LOG_LEVEL):
        builder = builder.config(_LOG_LEVEL, "WARN")
    return builder.getOrCreate()


def _connected_session() -> SparkSession:
    """Returns a session of the server that SPARK_REMOTE names, which has its own settings and Python workers."""
    from pyspark.sql import SparkSession

    try:
        session = SparkSession.builder.getOrCreate()
    except ImportError as error:
        raise UserError(f"{error}: {install_extra('connect')}") from error
    # The first call of the server. In another thread, a signal wouldn't end the wait for a server that doesn't answer.
    session.version  # noqa: B018
    return session


def local_settings(driver_memory: str, verbose: bool = False) -> dict[str, str]:
    """Returns settings of a local session; on clusters, spark-submit has its own.

    Args:
        driver_memory: Memory of the driver, in Java's notation: 4g.
        verbose: Whether Spark logs more than errors.

    Returns:
        Spark settings by name.
    """
    level, tasks, logging = "info" if verbose else "error", "info" if verbose else "off", _LOGGING.as_uri()
    java = f"-Dlog4j2.configurationFile={logging} -Dmetaclip_curate.log={level} -Dmetaclip_curate.tasks={tasks}"
    cores = os.cpu_count() or 1
    options = (_compiler(cores), _garbage_collector(cores), archive_options(os.environ.get("JAVA_HOME", "")))
    return {
        "spark.driver.memory": driver_memory,
        # A laptop's host name often doesn't resolve to itself.
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Set at the start, since a level that is set later doesn't cover the lines of the start.
        "spark.driver.extraJavaOptions": java,
        "spark.driver.defaultJavaOptions": " ".join(filter(None, options)),
        # Spark's 200 is for clusters; a local run has few cores and little data.
        "spark.sql.shuffle.partitions": str(4 * cores),
    }


def _compiler(cores: int) -> str:
    """Returns Java's options for its compilers."""
    return _WITHOUT_OPTIMISING if cores <= _FEW_CORES else _OPTIMISE_LATER


def _garbage_collector(cores: int) -> str:
    """Returns Java's option for the collector; empty if the environment chooses one, as Java doesn't start with two."""
    chosen = any("GC" in os.environ.get(name, "") for name in ("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"))
    return "" if chosen or cores > _FEW_CORES else "-XX:+UseSerialGC"
