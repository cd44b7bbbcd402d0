"""The message about an exception that ends a command, and the command's exit status.

A user's mistake, a full disk or Ctrl-C get one sentence. Any other exception is a fault of this program and keeps its
traceback.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from metaclip_curate.console.interrupts import HungUpError, TerminatedError, interruption_of
from metaclip_curate.console.unreadable_file import UNREADABLE, unreadable_file
from metaclip_curate.errors import JobFailedError, UserError, install_extra

NO_PYSPARK = f"pyspark is missing: {install_extra('local')}"
EXIT_FAILED, EXIT_USER_ERROR = 1, 2
# 128 + the number of the signal, as in a shell.
EXIT_HUNG_UP, EXIT_INTERRUPTED, EXIT_OUTPUT_CLOSED, EXIT_TERMINATED = 129, 130, 141, 143


@dataclass(frozen=True)
class Failure:
    """An exception that needs no traceback.

    Attributes:
        message: One sentence.
        status: Exit status of the command.
    """

    message: str
    status: int


def failure_of(error: BaseException) -> Failure | None:
    """Returns what an exception means to the user.

    Args:
        error: Exception that ended a command. The text of Spark's exceptions has those of its workers and of Java.

    Returns:
        The failure; None for an exception that isn't known here, and so is a fault of this program.
    """
    # A full disk is looked for before the messages of the code that noticed it.
    for recognise in (_interruption, _of_full_system, _expected, _of_system, _of_memory, _of_package, _of_connection):
        for each in _chain(error):
            if failure := recognise(each):
                return failure
    text = str(error)
    for pattern, failure_of_match in _IN_TEXT:
        if found := pattern.search(text):
            return failure_of_match(found)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yields the exception, and those that it was raised from."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__


def _context(error: BaseException) -> Iterator[BaseException]:
    """Yields the exception, and those that were being handled when it was raised."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__context__


def _expected(error: BaseException) -> Failure | None:
    if isinstance(error, UserError):
        return Failure(str(error), EXIT_USER_ERROR)
    return Failure(str(error), EXIT_FAILED) if isinstance(error, JobFailedError) else None


def _interruption(error: BaseException) -> Failure | None:
    found = interruption_of(error)
    if found is None:
        return None
    if isinstance(found, HungUpError):
        return Failure("the terminal was closed", EXIT_HUNG_UP)
    if isinstance(found, TerminatedError):
        return Failure("terminated", EXIT_TERMINATED)
    return Failure("interrupted", EXIT_INTERRUPTED)


def _of_system(error: BaseException) -> Failure | None:
    if not isinstance(error, OSError) or error.errno not in _SYSTEM:
        return None
    return _system_failure(error.errno, os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "")


def _of_full_system(error: BaseException) -> Failure | None:
    return _of_system(error) if isinstance(error, OSError) and error.errno in _FULL else None


def _of_memory(error: BaseException) -> Failure | None:
    return Failure(_MEMORY, EXIT_FAILED) if isinstance(error, MemoryError) else None


def _of_package(error: BaseException) -> Failure | None:
    """Recognises a missing module of another project; if one of this project or of Python is missing, it is a fault."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if name == "pyspark":
        return Failure(NO_PYSPARK, EXIT_USER_ERROR)
    if not name or name == __name__.partition(".")[0] or name in sys.stdlib_module_names:
        return None
    remedy = "install this project again, by `pip install --editable .` or `make setup`, with the extras that you use"
    return Failure(f"the Python module {name} is missing in {sys.prefix}: {remedy}", EXIT_FAILED)


def _of_connection(error: BaseException) -> Failure | None:
    """Recognises the loss of the connection to Spark's Java, from which all later exceptions follow."""
    found = any(type(each).__name__ == "Py4JNetworkError" for each in _context(error))
    return _java_is_gone() if found else None


# What is wrong, what to do about it, and the exit status, which shows whether the command has to change.
_SYSTEM: dict[int, tuple[str, str, int]] = {
    errno.ENOSPC: ("the disk is full", "make room", EXIT_FAILED),
    errno.EDQUOT: ("the disk quota is used up", "make room", EXIT_FAILED),
    errno.EROFS: ("the file system is read-only", "name a folder that can be written", EXIT_FAILED),
    errno.EMFILE: ("too many files are open", "allow more with `ulimit -n`", EXIT_FAILED),
    errno.ENFILE: ("too many files are open on this machine", "let its administrator allow more", EXIT_FAILED),
    errno.ENAMETOOLONG: ("the name is too long", "give a shorter one", EXIT_USER_ERROR),
}
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE)
_MEMORY = (
    "the memory isn't enough: let other programs end, or use a machine with more of it; fewer cores, by "
    "--master 'local[2]', need less"
)
_JAVA_MEMORY = "the memory of Spark's Java isn't enough: raise --driver-memory, or on a cluster spark.executor.memory"


def _system_failure(number: int, path: str) -> Failure:
    wrong, remedy, status = _SYSTEM[number]
    return Failure(f"{wrong}{' at ' + path if path else ''}: {remedy}", status)


def _of_java(found: re.Match[str]) -> Failure:
    """Recognises Java's words for an error of the system, and the folder, which only some of its exceptions name."""
    text = found.string
    number = next(number for number in _SYSTEM if os.strerror(number) == found["words"])
    named = _JAVAS_FILE.search(text)
    if named:
        return _system_failure(number, next(filter(None, named.groups())))
    if _SHUFFLE.search(text):
        return _system_failure(number, spark_folders())
    return _system_failure(number, f"the output or {spark_folders()}")


def spark_folders() -> str:
    """Returns the folder in which Spark keeps shuffled data, and how to choose another one."""
    folders = os.environ.get("SPARK_LOCAL_DIRS", "") or tempfile.gettempdir()
    return f"{folders}, where Spark keeps shuffled data (SPARK_LOCAL_DIRS chooses another folder)"


_WORDS = "|".join(re.escape(os.strerror(number)) for number in _SYSTEM)
_NUMBERS = "|".join(map(str, _SYSTEM))
_SHUFFLE = re.compile(r"org\.apache\.spark\.(?:storage|shuffle|util\.collection)\.")
_JAVAS_FILE = re.compile(
    rf"writing rows to (?:file:)?(\S+)\. SQLSTATE|(?:FileNotFound|FileSystem)Exception: (/.*?)(?: \(|: )(?:{_WORDS})"
)

# The texts of workers and of Java. A worker's OSError has its number, and the file if Python knows it.
_WORKERS_MISTAKE = re.compile(r"^metaclip_curate\.errors\.UserError: (.+)$", re.MULTILINE)
_WORKERS_SYSTEM = re.compile(
    rf"^\w*Error: \[Errno (?P<number>{_NUMBERS})\] [^\n]*?(?:: '(?P<file>[^\n]+)')?$", re.MULTILINE
)
_WORKERS_MEMORY = re.compile(r"^MemoryError\b|ArrowMemoryError", re.MULTILINE)
_JAVAS_MEMORY = re.compile(r"java\.lang\.OutOfMemoryError")
_JAVAS_SYSTEM = re.compile(rf"\b(?:IO|FileSystem|FileNotFound)Exception: [^\n]*?(?P<words>{_WORDS})")
_JAVA_GONE = re.compile("JAVA_GATEWAY_EXITED|Answer from Java side is empty|Error while sending or receiving")
_MASTER = re.compile(r"Could not parse Master URL: '?([^'\n]*)|Asked to run locally with (\d+) threads")


def _unreadable(found: re.Match[str]) -> Failure:
    return Failure(
        f"{unreadable_file(found[0])} can't be read, it is damaged: put a whole copy in its place, or give the "
        "command that made the run again with --again-from the stage that writes this table",
        EXIT_USER_ERROR,
    )


def _java_is_gone() -> Failure:
    return Failure(
        "Spark's Java ended or couldn't start, for the reason that it printed above: if it printed nothing, the system "
        f"may have ended it for its use of memory, see --driver-memory; it writes to {spark_folders()}",
        EXIT_FAILED,
    )


_IN_TEXT: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Failure]], ...] = (
    (_WORKERS_MISTAKE, lambda found: Failure(found[1], EXIT_USER_ERROR)),
    (_WORKERS_SYSTEM, lambda found: _system_failure(int(found["number"]), found["file"] or "")),
    (_WORKERS_MEMORY, lambda _: Failure(_MEMORY, EXIT_FAILED)),
    (_JAVAS_MEMORY, lambda _: Failure(_JAVA_MEMORY, EXIT_FAILED)),
    (_JAVAS_SYSTEM, _of_java),
    (UNREADABLE, _unreadable),
    (
        _MASTER,
        lambda found: Failure(
            f"--master isn't a Spark master ({found[1] or found[0]}): try 'local[*]'", EXIT_USER_ERROR
        ),
    ),
    (_JAVA_GONE, lambda _: _java_is_gone()),
)
