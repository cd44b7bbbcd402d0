"""Spark settings for tests, whose JVMs live for a minute or two and run many small queries."""

from __future__ import annotations

import shlex

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
    settings = [part for name, value in SETTINGS.items() for part in ("--conf", f"{name}={value}")]
    return shlex.join([*settings, "pyspark-shell"])
