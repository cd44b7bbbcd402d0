"""metaclip-curate java-home: a Java that Spark runs on."""

from __future__ import annotations

from collections.abc import Sequence

from metaclip_curate.commands.command import Command, Given


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.spark.java import java_home

    print(java_home())


COMMAND = Command(
    "java-home",
    "print a JAVA_HOME that Spark runs on",
    {},
    _run,
    examples=("", "export JAVA_HOME=$(%(prog)s)"),
)
