"""An archive of the classes that Spark loads, with which the JVM of a local session starts in less time.

It is what Java calls class-data sharing. Java compares the archive with itself and with Spark's jar files, and does
without it if they differ. A folder of settings (SPARK_CONF_DIR) is in the class path before them, where Java takes no
folder with files for an archive: a session with such settings starts without one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclip_curate.errors import UserError
from metaclip_curate.storage.atomic_file import sync, unfinished_file
from metaclip_curate.storage.own_folder import cache_folder, is_own, own_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

# Why an archive isn't used, and which classes can't be in it, is of no interest to the user.
_SILENT = "-Xlog:cds=off -Xlog:cds+dynamic=off -Xlog:class+path=off"
# For a session that lives for seconds; an archive doesn't depend on these.
_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_SECONDS_TO_WRITE = 300


def archive_options(java_home: str) -> str:
    """Returns Java's options that use the archive; empty if there is none, or others could have written it.

    Args:
        java_home: JAVA_HOME of the session's Java; empty for the java on the PATH.
    """
    archive = archive_path(java_home)
    return f'"-XX:SharedArchiveFile={archive}" {_SILENT}' if is_own(archive) and is_own(archive.parent) else ""


def archive_path(java_home: str) -> Path:
    """Returns the path of the archive for a Java and the installed Spark.

    Args:
        java_home: JAVA_HOME of the session's Java; empty for the java on the PATH.
    """
    java = Path(java_home) / "bin" / "java" if java_home else Path(shutil.which("java") or "java")
    found = importlib.util.find_spec("pyspark")
    spark = os.environ.get("SPARK_HOME") or str(found.origin if found else "")
    name = hashlib.blake2b(f"{java.resolve()}\n{spark}".encode(), digest_size=8).hexdigest()
    return cache_folder() / "metaclip-curate" / f"spark-classes-{name}.jsa"


def write_archive(java_home: str, start: Callable[[dict[str, str]], SparkSession]) -> Path:
    """Starts a session, lets it load what the stages need, and writes the archive.

    Args:
        java_home: JAVA_HOME of the session's Java; empty for the java on the PATH.
        start: Function that starts a local session with additional settings.

    Returns:
        The archive's path.

    Raises:
        UserError: The cache can't be written, this Java can't write archives, or sessions are those of a server.
    """
    if "SPARK_REMOTE" in os.environ:
        raise UserError("SPARK_REMOTE names a server, and an archive is for local sessions: unset SPARK_REMOTE")
    archive = archive_path(java_home)
    own_folder(archive.parent, "the archive of Spark's classes", "go without the archive")
    with unfinished_file(archive) as (_, unfinished):
        java = f'{_SHORT_LIVED} "-XX:ArchiveClassesAtExit={unfinished}" {_SILENT}'
        session = start({"spark.driver.defaultJavaOptions": java})
        _load_classes(session)
        gateway: Any = session.sparkContext._gateway
        session.stop()
        gateway.proc.stdin.close()  # at which Spark's Java exits
        gateway.proc.wait(_SECONDS_TO_WRITE)
        if not (unfinished.is_file() and unfinished.stat().st_size):
            raise UserError("this Java can't write an archive of Spark's classes: go without it, or install a JDK 17")
        with unfinished.open("rb") as written:
            sync(written)  # Java would crash on a file that a power cut has shortened
        unfinished.replace(archive)
    return archive


def _load_classes(session: SparkSession) -> None:
    """Computes with what most stages use: tasks of Python and Arrow, a shuffle, kept blocks, sums, and a sort."""
    from pyspark import StorageLevel
    from pyspark.sql import functions as F

    rows = session.range(0, 8, 1, 2).mapInArrow(lambda batches: batches, "id long")
    kept = rows.withColumn("text", F.col("id").cast("string")).repartition(2, "id").persist(StorageLevel.DISK_ONLY)
    sums = kept.groupBy("text").agg(F.sum("id").alias("sum"), F.count(F.lit(1)).alias("rows"))
    sums.join(F.broadcast(kept), "text").orderBy("sum").collect()
    kept.unpersist()
