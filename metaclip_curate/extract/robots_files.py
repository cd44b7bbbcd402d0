"""The files robots.txt and ai.txt of hosts, from WARCs such as Common Crawl's robots.txt archives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from metaclip_curate.extract.http_response import decoded_body, parse_response
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.records import read_records
from metaclip_curate.storage import InputError, StorageOptions, open_input, public_name

# RFC 9309, section 2.5: a crawler must read at least 500 KiB. Of a longer file the rest is ignored.
_MOST_BYTES = 1 << 20
_LONGEST_RECORD = 32 << 20
_FOUND = re.compile(rb"HTTP/\S+ 200\b")
_NAMES = ("/robots.txt", "/ai.txt")


class RobotsFile(NamedTuple):
    """A file of a host.

    Attributes:
        url: Its URL.
        text: Its content.
    """

    url: str
    text: str

    @property
    def is_ai_txt(self) -> bool:
        """Whether it is ai.txt and not robots.txt."""
        return _path(self.url) == _NAMES[1]


def read_robots_files(path: str, options: StorageOptions) -> Iterator[RobotsFile]:
    """Reads the files that a host had; answers other than 200 are none (RFC 9309, section 2.3.1.3).

    Args:
        path: Path or URL of a WARC.
        options: Credentials and limits for reading it.

    Raises:
        InputError: The WARC can't be read, is damaged, or holds no record. What can be read has been yielded.
    """
    stats = InputStats(public_name(path))
    with open_input(path, options) as stream:
        for record in read_records(stream, stats, _LONGEST_RECORD):
            url = record.headers.get("warc-target-uri", "").strip("<>")
            if record.headers.get("warc-type") != "response" or _path(url) not in _NAMES:
                continue
            block = bytes(record.body)
            if not _FOUND.match(block):
                continue
            try:
                content = decoded_body(parse_response(block), _MOST_BYTES).content
            except ValueError:  # no HTTP
                continue
            if len(content) == _MOST_BYTES or "warc-truncated" in record.headers:
                # What is left of the last line could be another rule, as "Disallow: /" is of "Disallow: /private".
                content = content[: content.rfind(b"\n") + 1]
            yield RobotsFile(url, content.decode("utf-8", "replace").removeprefix("\ufeff"))
    if stats.error or not stats.records:
        raise InputError(stats.path, stats.error or "it holds no WARC record")


def _path(url: str) -> str:
    """Returns the path of a URL, without what follows it."""
    return "/" + url.partition("://")[2].partition("/")[2].partition("?")[0]
