"""img2dataset's downloader, with images fetched by `download_image` and opt-outs read the way pages' are read.

img2dataset 1.47 connects to any address and follows any redirect, takes a file of any size into memory, waits for as
long as a byte comes now and then, and reads `X-Robots-Tag: max-image-preview:large, noai` as a rule for a robot named
max-image-preview, so that it fetches what it should leave. It has no settings for these, so its function that fetches
an image is replaced, in each of its worker processes. Importing this module imports img2dataset.
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
    """Fetches shards.

    Args:
        limits: What servers may do.
        given: What img2dataset gives its own.
    """

    def __init__(self, limits: FetchLimits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits

    def __call__(self, row: Any) -> Any:
        """Fetches one shard, in whatever process this is."""
        directives = self.disallowed_header_directives
        fetcher = ImageFetcher(self._limits, lambda headers: bool(directives) and disallowed(headers, directives))

        def fetch(key_and_url: tuple[Any, str], **_: Any) -> tuple[Any, io.BytesIO | None, str | None]:
            return (key_and_url[0], *fetcher.fetch(key_and_url[1]))

        setattr(img2dataset.downloader, _REPLACED, fetch)
        return super().__call__(row)


def disallowed(headers: Message, directives: Collection[str]) -> bool:
    """Tells whether an answer says that its image must not be used.

    A rule for another robot counts as well: whoever names robots can't know ours.

    Args:
        headers: Of the HTTP answer.
        directives: Words of X-Robots-Tag that forbid the use, in lower case.

    Returns:
        True for one of the words in X-Robots-Tag, and for tdm-reservation: 1 (W3C TDMRep, section 6).
    """
    words = {word for value in headers.get_all("X-Robots-Tag", []) for word in _SEPARATORS.split(value.lower())}
    return not words.isdisjoint(directives) or opts_out([], headers.items())


@contextlib.contextmanager
def guarded_downloader(limits: FetchLimits) -> Iterator[None]:
    """While it lasts, `img2dataset.download` uses `GuardedDownloader` with these limits.

    Raises:
        UserError: This img2dataset has another function to replace, and would fetch without limits.
    """
    if not hasattr(img2dataset.downloader, _REPLACED):
        raise UserError("this img2dataset fetches in a way that can't be guarded: pip install img2dataset==1.47")
    # As an attribute of the package, `main` is a function of that name.
    main: Any = importlib.import_module("img2dataset.main")
    before = main.Downloader
    main.Downloader = functools.partial(GuardedDownloader, limits)
    try:
        yield
    finally:
        main.Downloader = before
