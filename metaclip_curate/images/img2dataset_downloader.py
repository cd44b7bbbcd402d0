"""img2dataset's downloader with `ImageFetcher` in place of its own function that fetches an image.

img2dataset 1.47 connects to any address, follows any redirect, reads a file of any size into memory, and waits as long
as a byte arrives now and then. It reads `X-Robots-Tag: max-image-preview:large, noai` as a rule for a robot named
max-image-preview, and so ignores the opt-out. It has no options for these, so the function is replaced in each of its
worker processes. Importing this module imports img2dataset.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import re
from collections.abc import Collection, Iterator
from email.message import Message
from typing import Any

import img2dataset.downloader

from metaclip_curate.errors import UserError
from metaclip_curate.extract.opt_out import opts_out
from metaclip_curate.images.fetch import FetchLimits, ImageFetcher

_SEPARATORS = re.compile(r"[\s,;:]+")
_REPLACED = "download_image_with_retry"


class GuardedDownloader(img2dataset.downloader.Downloader):  # type: ignore[misc]
    """Fetches shards within limits.

    Args:
        limits: Limits of each image.
        given: Arguments of img2dataset's downloader.
    """

    def __init__(self, limits: FetchLimits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits

    def __call__(self, row: Any) -> Any:
        """Fetches one shard, in a worker process of img2dataset."""
        directives = self.disallowed_header_directives
        fetcher = ImageFetcher(self._limits, lambda headers: bool(directives) and disallowed(headers, directives))

        def fetch(key_and_url: tuple[Any, str], **_: Any) -> tuple[Any, io.BytesIO | None, str | None]:
            return (key_and_url[0], *fetcher.fetch(key_and_url[1]))

        setattr(img2dataset.downloader, _REPLACED, fetch)
        return super().__call__(row)


def disallowed(headers: Message, directives: Collection[str]) -> bool:
    """Returns whether an answer's headers forbid the use of its image.

    That is so for one of the directives in X-Robots-Tag, for whichever robot, since a site that names robots can't know
    ours, and for tdm-reservation: 1 (W3C TDMRep, section 6).

    Args:
        headers: Headers of the HTTP answer.
        directives: Directives that forbid the use, in lower case.
    """
    words = {word for value in headers.get_all("X-Robots-Tag", []) for word in _SEPARATORS.split(value.lower())}
    return not words.isdisjoint(directives) or opts_out([], headers.items())


@contextlib.contextmanager
def guarded_downloader(limits: FetchLimits) -> Iterator[None]:
    """Lets `img2dataset.download` use a `GuardedDownloader` within the block.

    Args:
        limits: Limits of each image.

    Raises:
        UserError: This img2dataset doesn't have the function that is replaced, and would fetch without limits.
    """
    if not hasattr(img2dataset.downloader, _REPLACED):
        raise UserError("this version of img2dataset can't be held to limits: pip install img2dataset==1.47")
    # The package's attribute `main` is a function, which hides the module.
    main: Any = importlib.import_module("img2dataset.main")
    before = main.Downloader
    main.Downloader = functools.partial(GuardedDownloader, limits)
    try:
        yield
    finally:
        main.Downloader = before
