"""The options of `metadata fetch`."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import flag, option

DumpForm = Literal["multistream", "articles"]


@dataclass(frozen=True)
class FetchOptions:
    """What is downloaded, and from where."""

    language: tuple[str, ...] = option((), "Wikipedia codes of the languages, such as de", changes_output=False)
    date: str = option("", "the dumps' date, YYYYMMDD; also the first day of pageviews", changes_output=False)
    output: str = option(
        "", "the local folder to download to; a file in it that is complete is kept", changes_output=False
    )
    dump_form: DumpForm = option("multistream", "which form of the dumps, where a wiki has both", changes_output=False)
    pageviews_days: int = option(1, "days of pageviews, 24 files of some 50 MB each; 0 for none", changes_output=False)
    dumps_url: str = option("https://dumps.wikimedia.org", "where the dumps are", changes_output=False)
    pageviews_url: str = option(
        "https://dumps.wikimedia.org/other/pageviews", "where the hourly pageviews are", changes_output=False
    )
    wordnet_url: str = option(
        "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages", "where NLTK's data is", changes_output=False
    )
    contact: str = option("", "an address for the User-Agent, as Wikimedia asks for", changes_output=False)

    def __post_init__(self) -> None:
        for name in ("date", "output"):
            if not getattr(self, name):
                raise UserError(f"{flag(name)} is missing")
        if self.output.startswith(("s3://", "gs://", "hdfs://", "http://", "https://")):
            raise UserError(f"--output {self.output} is no local folder: download to one, and copy it from there")
        self.days()
        if self.pageviews_days < 0:
            raise UserError(f"--pageviews-days must be at least 0, not {self.pageviews_days}")
        if not all(32 <= ord(character) < 127 for character in self.contact):
            raise UserError("--contact must be of plain ASCII characters")

    def days(self) -> list[datetime.date]:
        """The days of pageviews.

        Raises:
            UserError: The date is none.
        """
        try:
            if len(self.date) != 8:
                raise ValueError("it isn't of eight digits")
            first = datetime.datetime.strptime(self.date, "%Y%m%d").date()
        except ValueError as error:
            raise UserError(f"--date {self.date} is no date: write YYYYMMDD, 20250101") from error
        return [first + datetime.timedelta(days=day) for day in range(self.pageviews_days)]
