"""Counts and status of one input file."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.extract.links import Drop
from metaclip_curate.storage.retry import GAVE_UP, brief

BROKE_OFF = "reading was given up"  # begins the error of a file that may have more records


@dataclass
class InputStats:
    """A row of the table `inputs` while its file is read.

    Attributes:
        path: Name of the file.
        status: ok, partial if the file is damaged or ends early, or failed if nothing could be read.
        error: Why it isn't ok.
        bytes_read: Number of bytes that were read, as stored.
        records: Number of WARC records, or of rows of a pool.
        records_skipped: Number of those that were damaged, too long, or not fetched by img2dataset.
        pages: Number of records that describe a page.
        image_links: Number of links to images, or of rows of a pool.
        dropped_opt_out: Number of links on pages that opt out.
        dropped_no_text: Number of links without a text.
        dropped_bad_url: Number of links with a bad URL.
        dropped_not_http: Number of links that are neither http nor https.
        texts: Number of texts of the other links.
        duplicate_texts: Number of texts whose (URL, text) occurred before in the file.
        pairs: Number of the other texts.
        seconds: Time that reading took.
    """

    path: str
    status: str = "ok"
    error: str = ""
    bytes_read: int = 0
    records: int = 0
    records_skipped: int = 0
    pages: int = 0
    image_links: int = 0
    dropped_opt_out: int = 0
    dropped_no_text: int = 0
    dropped_bad_url: int = 0
    dropped_not_http: int = 0
    texts: int = 0
    duplicate_texts: int = 0
    pairs: int = 0
    seconds: float = 0.0

    def mark_damaged(self, reason: str) -> None:
        """Makes the file `partial`. The first reason is kept."""
        if self.status == "ok":
            self.status = "partial"
        self.error = self.error or brief(reason)

    def mark_broken_off(self, reason: str) -> None:
        """Makes the file `partial` because reading was given up, which a retry may mend. Replaces reasons of damage."""
        self.status = "partial"
        rest = reason.removeprefix(GAVE_UP) if reason.startswith(f"{GAVE_UP} ") else f": {reason}"
        self.error = brief(BROKE_OFF + rest)

    def mark_failed(self, reason: str) -> None:
        """Makes the file `failed`: nothing in it could be used."""
        self.status = "failed"
        self.error = brief(reason)

    def count_drops(self, reason: Drop, links: int) -> None:
        """Adds dropped links to the count of their reason."""
        setattr(self, reason.value, getattr(self, reason.value) + links)
