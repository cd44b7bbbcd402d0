"""Reading again the inputs of a run that couldn't be read, or not to their end (`--retry-failed`).

A part of `pairs` and `inputs` is never changed. So the files are read as new parts, the parts that tell of their
failure are written anew without them, and one replacement of run.json puts the new ones in the old ones' place: a run
that dies on the way is what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from metaclip_curate.extract.account import BROKE_OFF
from metaclip_curate.run_folder import RunFolder
from metaclip_curate.schemas import INPUTS, PAIRS, ddl

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Account = dict[str, Any]  # a row of `inputs`


@dataclass(frozen=True)
class Part:
    """A part that is written and not yet finished: its name, and the rows of `inputs` in it."""

    name: str
    accounts: list[Account]


def unread(folder: RunFolder) -> dict[str, list[Account]]:
    """Finds what another try may read more of: files that failed, or of which reading was given up.

    Damage of a file itself is the same the next time.

    Returns:
        The rows of `inputs` by part; parts without any are left out.
    """
    found = {}
    for part in sorted(folder.parts("extract")):
        rows = folder.read_small("extract", "inputs", INPUTS.names, [part]).to_pylist()
        failed = [row for row in rows if row["status"] == "failed" or row["error"].startswith(BROKE_OFF)]
        if failed:
            found[part] = failed
    return found


def replace_unread(
    spark: SparkSession,
    folder: RunFolder,
    before: Mapping[str, Sequence[Account]],
    read: Iterable[Part],
    new_name: Callable[[], str],
    note: Callable[[Sequence[Account]], dict[str, Any]],
) -> list[Account]:
    """Puts what was read again in the place of what was read before, for files of which there is more now.

    Args:
        spark: The session.
        folder: The run folder, with the stage extract begun.
        before: What `unread` found.
        read: The same files read again.
        new_name: Makes names of parts.
        note: Makes what run.json notes of a part.

    Returns:
        The accounts of the files of which there is more now.
    """
    old = {row["path"]: row for rows in before.values() for row in rows}
    better = {row["path"] for part in read for row in part.accounts if _is_better(row, old[row["path"]])}
    added: dict[str, dict[str, Any]] = {}
    for part in read:
        worse = {row["path"] for row in part.accounts} - better
        name = _without(spark, folder, part, worse, new_name) if worse else part.name
        if name:
            added[name] = note([row for row in part.accounts if row["path"] in better])
    gone = {name for name, rows in before.items() if any(row["path"] in better for row in rows)}
    for old_name in sorted(gone):
        accounts = folder.read_small("extract", "inputs", INPUTS.names, [old_name]).to_pylist()
        name = _without(spark, folder, Part(old_name, accounts), better, new_name)
        if name:
            added[name] = note([row for row in accounts if row["path"] not in better])
    if gone:  # later stages were made from them
        folder.discard("match")
    folder.replace_parts("extract", gone, added)
    return [row for part in read for row in part.accounts if row["path"] in better]


def _is_better(now: Account, before: Account) -> bool:
    if now["status"] == "failed":
        return False
    return bool(before["status"] == "failed" or now["bytes_read"] > before["bytes_read"])


def _without(spark: SparkSession, folder: RunFolder, part: Part, paths: set[str], new_name: Callable[[], str]) -> str:
    """Writes a part anew without some files; returns its new name, empty where nothing would be in it."""
    from pyspark.sql import functions as F

    rest = [row for row in part.accounts if row["path"] not in paths]
    if not rest:
        return ""
    name = new_name()
    pairs = spark.read.schema(ddl(PAIRS)).parquet(folder.part("pairs", part.name))
    kept = pairs.filter(~F.col("source_file").isin(sorted(paths)))
    kept.write.mode("overwrite").option("compression", "zstd").parquet(folder.part("pairs", name))
    folder.write_small_part("inputs", name, pa.Table.from_pylist(rest, schema=INPUTS))
    return name
