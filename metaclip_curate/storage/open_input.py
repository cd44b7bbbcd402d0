"""Opening an input, wherever it is."""

from __future__ import annotations

import time
from collections.abc import Callable

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.reader import InputStream
from metaclip_curate.storage.secrets import public_name
from metaclip_curate.storage.stores import source_of
from metaclip_curate.storage.urls import resolve


def open_input(path: str, options: StorageOptions, *, sleep: Callable[[float], None] = time.sleep) -> InputStream:
    """The bytes of an input exactly as stored: nothing is unpacked on the way.

    Args:
        path: a local path, file:, http://, https://, s3://, gs://, or crawl-data/... below `cc_base`. What is secret
            in a URL is sent to its server and stands in no error.
        options: how to reach it, and how patiently.
        sleep: waits between attempts; tests give their own.

    Returns:
        A stream to be read once from front to end, in pieces of any size; it goes on where a connection broke.

    Raises:
        InputError: it cannot be opened.
        UserError: the scheme is unknown or needs an extra that is not installed.
    """
    return InputStream(public_name(path), source_of(resolve(path, options), options), options, sleep)
