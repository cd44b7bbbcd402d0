"""The Parquet files of a crawl's columnar index."""

from __future__ import annotations

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.path_lists import read_lines
from metaclip_curate.storage.redaction import public_name
from metaclip_curate.storage.retry import GAVE_UP
from metaclip_curate.storage.urls import CRAWL_PREFIX, join, resolve

# Successful answers; the others are redirects, errors and robots.txt.
_SUBSET = "/subset=warc/"


def index_files(crawl: str, options: StorageOptions) -> list[str]:
    """Returns the URLs of the index's files about pages that were fetched, in the order of Common Crawl's list.

    Args:
        crawl: Name of the crawl.
        options: Where Common Crawl's files are, and how they are read.

    Raises:
        UserError: The crawl has no index, or its list can't be read.
    """
    listing = f"{CRAWL_PREFIX}{crawl}/cc-index-table.paths.gz"
    shown = public_name(resolve(listing, options))
    try:
        paths = [line for _, line in read_lines(listing, options)]
    except UserError as error:
        if GAVE_UP in str(error.__cause__):
            raise UserError(
                f"the list of the index's files at {shown} can't be read ({error.__cause__}): check the network and "
                "--cc-base, and give the same command again"
            ) from error
        raise UserError(
            f"cc-index:{crawl} has no columnar index at {shown} ({error.__cause__}): choose a crawl of "
            "https://index.commoncrawl.org/collinfo.json"
        ) from error
    found = [join(options.cc_base, path) for path in paths if _SUBSET in path and path.endswith(".parquet")]
    if not found:
        raise UserError(f"{shown} lists no Parquet file of subset=warc: choose another crawl than {crawl}")
    return found
