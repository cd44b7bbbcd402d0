"""From the bytes of Common Crawl's WAT and WARC files, and from pools of pairs, to rows of pairs, without Spark.

It imports storage, options and schemas, and nothing above them. `read_pairs` reads one file: `records` frames it,
`pages` reads a page from each (by `wat` or `html`), and `urls`, `links` and `pair_columns` turn the images into rows.
`pools` reads tables and shards of pairs that exist already.
"""

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.read_pairs import ReadOptions, read_pairs

__all__ = ["InputStats", "ReadOptions", "read_pairs"]
