"""Spark settings for tests, whose JVMs live for a minute or two and run many small queries."""

from __future__ import annotations

import os
import shlex

from metaclip_curate.spark.class_archive import archive_options

# What the JVM would compile further doesn't pay in so short a time.
_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# Spark compiles code for each query, which takes a sixth of the processor time of tests.
QUERIES = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def java_options() -> str:
    """Returns options for the JVM of a driver, an executor or a daemon, which use the archive of Spark's classes."""
    return f"{_SHORT_LIVED} {archive_options(os.environ.get('JAVA_HOME', ''))}".rstrip()


def submit_arguments() -> str:
    """Returns a value of PYSPARK_SUBMIT_ARGS, which pyspark reads when it starts a JVM.

    Unlike JAVA_TOOL_OPTIONS, it adds no line to stderr, and unlike SPARK_CONF_DIR, it leaves spark-defaults.conf alone.
    """
    quick = {"spark.driver.defaultJavaOptions": java_options(), **QUERIES}
    settings = [part for name, value in quick.items() for part in ("--conf", f"{name}={value}")]
    return shlex.join([*settings, "pyspark-shell"])
