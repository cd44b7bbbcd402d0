"""Pages of a crawl, chosen by Common Crawl's columnar index.

`query` describes which pages, by `languages` and `hosts`. `files` lists the index's Parquet files, `scan` reads one of
them, and `selection` names the WARCs' records that were chosen. The index:
https://commoncrawl.org/columnar-index.
"""

from metaclip_curate.extract.crawl_index.files import index_files
from metaclip_curate.extract.crawl_index.query import IndexQuery
from metaclip_curate.extract.crawl_index.scan import CANDIDATES, IndexScan, scan_file
from metaclip_curate.extract.crawl_index.selection import records_digest, selected_name, warc_of

__all__ = [
    "CANDIDATES",
    "IndexQuery",
    "IndexScan",
    "index_files",
    "records_digest",
    "scan_file",
    "selected_name",
    "warc_of",
]
