"""A source's best candidates by Spark."""

from __future__ import annotations

import sys
import unicodedata
from fractions import Fraction
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from metaclip_curate.metadata.building import merge
from metaclip_curate.options.merge_metadata import SourceLimits
from metaclip_curate.stages.metadata.merge import is_only_punctuation, is_too_long, rank

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_best_first_and_ties_by_code_points(spark: SparkSession) -> None:
    # U+FF41 comes before U+1F600 by code points, and after it by UTF-16.
    rows = [
        ("b", 5),
        ("a", 5),
        ("😀x", 5),
        ("ａ", 5),
        ("best", 9),
        ("...", 99),
        ("x" * 9, 98),
        ("low", 1),
        ("a\nb", 97),
    ]
    table = spark.createDataFrame(rows, "entry string, count bigint").repartition(3)
    found = rank(table, "count", SourceLimits(2, Fraction("0.34"), 9), known=0, max_length=8)
    assert (found.entries, found.scores, found.limit) == (["best", "a", "b"], [9, 5, 5], 3)
    assert (found.rows, found.only_punctuation, found.too_long, found.usable) == (9, 1, 2, 6)
    assert (found.candidates, found.highest) == (5, 9)
    # Those that may be repeats are replaced, beyond the share as well, but not by those below the minimum.
    assert rank(table, "count", SourceLimits(2, Fraction("0.34"), 9), 1, 8).entries == ["best", "a", "b", "ａ"]
    assert rank(table, "count", SourceLimits(2, None, 3), 10, 8).entries == ["best", "a", "b", "ａ", "😀x"]
    assert rank(table, "count", SourceLimits(2, None, 0), 10, 8).entries == []
    assert rank(table, "count", SourceLimits(100, None, 3), 10, 8).candidates == 0


def test_punctuation_is_the_same_in_python(spark: SparkSession) -> None:
    assigned = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    known = [character for character in assigned if unicodedata.category(character) != "Cn"]
    characters = spark.createDataFrame([(character,) for character in known[::7]], "entry string")
    theirs = {row[0] for row in characters.filter(is_only_punctuation(F.col("entry"))).collect()}
    ours = {character for character in known[::7] if merge.is_only_punctuation(character)}
    # Java and Python may know different versions of Unicode.
    assert len(theirs ^ ours) < 20
    assert len(ours) > 100


def test_length_counts_characters(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("😀" * 4,), ("😀" * 5,), ("a\r",), ("é" * 4,)], "entry string")
    assert [row[0] for row in rows.select(is_too_long(F.col("entry"), 4)).collect()] == [False, True, True, False]
