"""metaclip-curate java-archive: local sessions that start in less time."""

from __future__ import annotations

from collections.abc import Sequence

from metaclip_curate.commands.command import Command, Given


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.options.run import RunOptions
    from metaclip_curate.spark.class_archive import write_archive
    from metaclip_curate.spark.java import java_home
    from metaclip_curate.spark.session import get_session

    print(write_archive(java_home(), lambda settings: get_session(RunOptions(), settings)))


COMMAND = Command(
    "java-archive",
    "archive the classes that Spark loads, 170 MB in the user's cache, so that local sessions start in less time",
    {},
    _run,
    examples=("", "JAVA_HOME=/opt/jdk-17 %(prog)s"),
)
