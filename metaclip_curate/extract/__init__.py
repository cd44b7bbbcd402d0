"""Bytes of Common Crawl files to rows of pairs, without Spark."""

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.read_pairs import ReadOptions, read_pairs

__all__ = ["InputStats", "ReadOptions", "read_pairs"]
