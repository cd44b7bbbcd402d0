"""img2dataset's downloader, with opt-outs read from the headers of an image's answer the way pages' are read.

img2dataset 1.47 reads `X-Robots-Tag: max-image-preview:large, noai` as a rule for a robot named max-image-preview, and
so fetches what it should leave. It has no setting for that, so its check is replaced, in each of its worker processes.
Importing this module imports img2dataset.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Collection, Iterator
from email.message import Message
from typing import Any

import img2dataset.downloader

from metaclip_curate.extract.opt_out import opts_out

_SEPARATORS = re.compile(r"[\s,;:]+")


class PoliteDownloader(img2dataset.downloader.Downloader):  # type: ignore[misc]
    """Fetches shards; an image whose answer opts out counts as one that X-Robots-Tag disallows."""

    def __call__(self, row: Any) -> Any:
        """Fetches one shard, in whatever process this is."""
        img2dataset.downloader.is_disallowed = disallowed
        return super().__call__(row)


def disallowed(headers: Message, user_agent_token: str | None, directives: Collection[str]) -> bool:
    """Tells whether an answer says that its image must not be used.

    A rule for another robot counts as well: whoever names robots can't know ours.

    Args:
        headers: Of the HTTP answer.
        user_agent_token: Not used.
        directives: Words of X-Robots-Tag that forbid the use, in lower case.

    Returns:
        True for one of the words in X-Robots-Tag, and for tdm-reservation: 1 (W3C TDMRep, section 6).
    """
    words = {word for value in headers.get_all("X-Robots-Tag", []) for word in _SEPARATORS.split(value.lower())}
    return not words.isdisjoint(directives) or opts_out([], headers.items())


@contextlib.contextmanager
def opt_outs_respected() -> Iterator[None]:
    """While it lasts, `img2dataset.download` uses `PoliteDownloader`."""
    # As an attribute of the package, `main` is a function of that name.
    main: Any = importlib.import_module("img2dataset.main")
    before = main.Downloader
    main.Downloader = PoliteDownloader
    try:
        yield
    finally:
        main.Downloader = before
