"""What is said of an exception that ends a command."""

from __future__ import annotations

import errno
import os

import pytest

from metaclip_curate.console.failures import Failure, failure_of
from metaclip_curate.console.interrupts import TerminatedError
from metaclip_curate.errors import JobFailedError, UserError


@pytest.mark.parametrize(
    ("error", "status", "parts"),
    [
        (UserError("--t is wrong"), 2, ["--t is wrong"]),
        (JobFailedError("too many failed"), 1, ["too many failed"]),
        (KeyboardInterrupt(), 130, ["interrupted"]),
        (TerminatedError(), 143, ["terminated"]),
        (MemoryError(), 1, ["memory"]),
        (
            ModuleNotFoundError("x", name="pyspark.sql"),
            2,
            ["pyspark is missing: run `pip install --editable '.[local]'`"],
        ),
        (ModuleNotFoundError("x", name="zstandard.backend"), 1, ["module zstandard is missing", "pip install", "make"]),
        (OSError(errno.ENOSPC, "x", "/data/out"), 1, ["disk is full", "/data/out"]),
        (OSError(errno.EDQUOT, "x", "/data/out"), 1, ["quota", "/data/out"]),
        (OSError(errno.EROFS, "x", b"/data/out"), 1, ["read-only", "/data/out"]),
        (OSError(errno.EMFILE, "x"), 1, ["ulimit -n"]),
        (OSError(errno.ENFILE, "x"), 1, ["too many files"]),
        (OSError(errno.ENAMETOOLONG, "x", "/data/nnn"), 2, ["too long", "/data/nnn"]),
    ],
)
def test_an_exception_that_needs_no_traceback(error: BaseException, status: int, parts: list[str]) -> None:
    failure = failure_of(error)
    assert failure is not None
    assert failure.status == status
    assert "\n" not in failure.message
    for part in parts:
        assert part in failure.message


def test_the_reason_behind_an_exception_counts() -> None:
    error = RuntimeError("the report failed")
    error.__cause__ = OSError(errno.ENOSPC, "x", "/data/out")
    failure = failure_of(error)
    assert failure is not None
    assert "/data/out" in failure.message


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("x"),
        ModuleNotFoundError("x", name="metaclip_curate.x"),
        ModuleNotFoundError("x", name="bz2"),
        ValueError("x"),
        KeyError("x"),
        FileNotFoundError(errno.ENOENT, "x", "y"),
        OSError(),
    ],
)
def test_what_nobody_has_thought_of_is_a_fault_of_the_program(error: Exception) -> None:
    assert failure_of(error) is None


# As Spark writes what its workers and Java say.
_WORKER = """Job aborted: org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "worker.py", line 1, in main
    raise
{}

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:581)
"""
_SHUFFLE = """Lost task 1.0 in stage 10.0 (TID 13): java.io.IOException: No space left on device
\tat java.base/sun.nio.ch.FileDispatcherImpl.write0(Native Method)
\tat org.apache.spark.storage.DiskBlockObjectWriter.commitAndGet(DiskBlockObjectWriter.scala:307)
"""
_TABLE = """[TASK_WRITE_FAILED] Task failed while writing rows to file:/data/out/counts. SQLSTATE: 58030
Caused by: org.apache.hadoop.fs.FSError: java.io.IOException: No space left on device
"""
_FOLDER = "java.nio.file.FileSystemException: /scratch/blockmgr-1: Read-only file system"


def test_a_full_disk_is_no_mistake_of_the_user() -> None:
    error = UserError("can't write to /data/out: give another --output")
    error.__cause__ = OSError(errno.ENOSPC, "x", "/data/out/run.json")
    assert failure_of(error) == Failure("the disk is full at /data/out/run.json: make room", 1)
    error.__cause__ = OSError(errno.EROFS, "x", "/data/out/run.json")
    assert failure_of(error) == Failure(str(error), 2)


def test_what_goes_wrong_after_an_interruption_comes_of_it() -> None:
    error = RuntimeError("Answer from Java side is empty")
    error.__context__ = KeyboardInterrupt()
    assert failure_of(error) == Failure("interrupted", 130)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:///data/a.parquet. SQLSTATE: KD001", ""),
        ("java.lang.RuntimeException: file:/data/a.parquet is not a Parquet file. Expected magic number at tail", ""),
        ("org.apache.spark.SparkException: Could not parse Master URL: 'spork://x'", "spork://x"),
    ],
)
def test_what_spark_cannot_read(text: str, part: str) -> None:
    failure = failure_of(RuntimeError(text))
    assert failure is not None
    assert failure.status == 2
    assert (part or "/data/a.parquet can't be read") in failure.message


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        (_WORKER.format("metaclip_curate.errors.UserError: de.json is damaged"), Failure("de.json is damaged", 2)),
        (
            _WORKER.format("OSError: [Errno 28] No space left on device: '/data/out/a.parquet'"),
            Failure("the disk is full at /data/out/a.parquet: make room", 1),
        ),
        (_WORKER.format("OSError: [Errno 28] No space left on device"), Failure("the disk is full: make room", 1)),
        (_TABLE, Failure("the disk is full at /data/out/counts: make room", 1)),
        (
            _FOLDER,
            Failure("the file system is read-only at /scratch/blockmgr-1: name a folder that can be written", 1),
        ),
    ],
)
def test_what_a_worker_or_java_says(text: str, failure: Failure) -> None:
    assert failure_of(RuntimeError(text)) == failure


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (_WORKER.format("MemoryError"), "memory"),
        (_WORKER.format("pyarrow.lib.ArrowMemoryError: malloc of size 1 failed"), "memory"),
        ("java.lang.OutOfMemoryError: Java heap space", "--driver-memory"),
        ("[JAVA_GATEWAY_EXITED] Java gateway process exited before sending its port number.", "SPARK_LOCAL_DIRS"),
        ("Answer from Java side is empty", "--driver-memory"),
    ],
)
def test_where_memory_or_java_end(text: str, part: str) -> None:
    failure = failure_of(RuntimeError(text))
    assert failure is not None
    assert failure.status == 1
    assert part in failure.message


def test_a_full_disk_of_a_shuffle_names_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", "/scratch")
    failure = failure_of(RuntimeError(_SHUFFLE))
    assert failure is not None
    assert "/scratch" in failure.message
    assert "SPARK_LOCAL_DIRS" in failure.message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EMFILE])
def test_java_uses_the_words_of_the_system(number: int) -> None:
    assert failure_of(RuntimeError(f"java.io.IOException: {os.strerror(number)}")) is not None
