"""The stats of one input file: where every link went."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.extract.links import Drop
from metaclip_curate.storage.retry import GAVE_UP, brief

BROKE_OFF = "reading was given up"  # how the error of a file begins of which more may be there


@dataclass
class InputStats:
    """A row of the table `inputs` while it is being filled; the columns are explained in `schemas.INPUTS`."""

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

    def damaged(self, reason: str) -> None:
        """Notes damage: the file becomes `partial` and the first reason stays."""
        if self.status == "ok":
            self.status = "partial"
        self.error = self.error or brief(reason)

    def broke_off(self, reason: str) -> None:
        """Notes that reading was given up, which another try may get over, before any damage of the file itself."""
        self.status = "partial"
        rest = reason.removeprefix(GAVE_UP) if reason.startswith(f"{GAVE_UP} ") else f": {reason}"
        self.error = brief(BROKE_OFF + rest)

    def failed(self, reason: str) -> None:
        """Notes that nothing of the file could be used."""
        self.status = "failed"
        self.error = brief(reason)

    def add_drops(self, reason: Drop, number: int) -> None:
        """Counts links that were dropped."""
        setattr(self, reason.value, getattr(self, reason.value) + number)
