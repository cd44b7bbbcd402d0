"""Spark settings for tests, whose JVMs live for a minute or two and run many small queries."""

from __future__ import annotations

import os
import shlex

from metaclip_curate.spark.class_archive import archive_options

# What the JVM would compile further doesn't pay in so short a time.
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SETTINGS = {
    "spark.driver.defaultJavaOptions": JAVA,
    # Spark compiles code for each query, which takes a sixth of the processor time of tests.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def submit_arguments() -> str:
    """Returns a value of PYSPARK_SUBMIT_ARGS, which pyspark reads when it starts a JVM.

    Unlike JAVA_TOOL_OPTIONS, it adds no line to stderr, and unlike SPARK_CONF_DIR, it leaves spark-defaults.conf alone.
    """
    java = f"{JAVA} {archive_options(os.environ.get('JAVA_HOME', ''))}".rstrip()
    quick = SETTINGS | {"spark.driver.defaultJavaOptions": java}
    settings = [part for name, value in quick.items() for part in ("--conf", f"{name}={value}")]
    return shlex.join([*settings, "pyspark-shell"])
