"""Pools: tables and shards of image-text pairs that exist already, to rows of pairs.

`forms` recognises a file, `columns` finds what to read of it. `parquet_rows`, `json_lines`, `csv_rows` and
`tar_samples` read rows, and `pool_pairs` turns these into pairs by the rules for crawl files.
"""
