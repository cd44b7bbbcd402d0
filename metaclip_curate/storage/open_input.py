"""Opening an input for reading, wherever it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.byte_ranges import ByteRange, RangesSource
from metaclip_curate.storage.input_stream import InputStream
from metaclip_curate.storage.redaction import public_name
from metaclip_curate.storage.stores import source_of
from metaclip_curate.storage.urls import resolve


def open_input(
    path: str,
    options: StorageOptions,
    *,
    ranges: Sequence[ByteRange] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> InputStream:
    """Opens an input. Its bytes are read exactly as stored, without decompression.

    Args:
        path: Local path, file:, http://, https://, s3://, gs:// or hdfs:// URL, or crawl-data/... below `cc_base`.
            Secrets in a URL are sent to its server and appear in no error.
        options: Credentials, time-outs and number of attempts.
        ranges: Ranges of the input that are read as if they were the whole, in the order of their starts. Default: all.
        sleep: Waits a number of seconds between attempts; tests replace it.

    Returns:
        A stream to be read once from front to end, in pieces of any size. It resumes after a broken connection.

    Raises:
        InputError: The input can't be opened.
        UserError: The scheme is unknown, or needs an extra that isn't installed.
    """
    source = source_of(resolve(path, options), options)
    if ranges is not None:
        source = RangesSource(source, ranges)
    return InputStream(public_name(path), source, options, sleep)
