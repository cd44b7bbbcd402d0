"""The process of Spark's Java, while pyspark starts it."""

from __future__ import annotations

import contextlib
import importlib
import subprocess
from collections.abc import Iterator
from typing import Any

from metaclip_curate.console.interrupts import interruption_of

_SECONDS = 5.0


@contextlib.contextmanager
def java_ended_with_start() -> Iterator[None]:
    """Ends the Java that pyspark starts within the block if Ctrl-C or SIGTERM interrupts the block.

    pyspark forgets the process if it is interrupted while it waits for Java. Java would start nevertheless, fail
    because the folder for its port has been removed, and print its stack trace after the command has ended.
    """
    gateway: Any = importlib.import_module("pyspark.java_gateway")
    processes: list[subprocess.Popen[Any]] = []
    start = gateway.Popen

    def start_and_keep(*arguments: Any, **options: Any) -> subprocess.Popen[Any]:
        process: subprocess.Popen[Any] = start(*arguments, **options)
        processes.append(process)
        return process

    gateway.Popen = start_and_keep
    try:
        yield
    except BaseException as error:
        if interruption_of(error):
            for process in processes:
                _end(process)
        raise
    finally:
        gateway.Popen = start


def _end(process: subprocess.Popen[Any]) -> None:
    """Ends a process by SIGTERM, at which Java removes Spark's temporary files, or else by SIGKILL."""
    process.terminate()
    try:
        process.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
