"""The options of `metadata fetch`."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, flag, option

DumpForm = Literal["multistream", "articles"]


@dataclass(frozen=True)
class FetchOptions:
    """Which sources are downloaded, and from where."""

    languages: tuple[str, ...] = option(
        (),
        "Wikipedia codes of the languages, such as de",
        metavar="LANG",
        required=True,
        changes_output=False,
        former="language",
    )
    date: str = option(
        "",
        "date of the dumps and first day of the page views, YYYYMMDD",
        metavar="DATE",
        required=True,
        changes_output=False,
    )
    output: str = option(
        "",
        "local folder to download to; a complete file in it isn't downloaded again",
        metavar="PATH",
        required=True,
        changes_output=False,
    )
    dump_form: DumpForm = option("multistream", "form of the dumps where a wiki has both", changes_output=False)
    pageviews_days: int = option(
        1, "number of days of page views, 24 files of about 50 MB each; 0 for none", metavar="N", changes_output=False
    )
    dumps_url: str = option("https://dumps.wikimedia.org", "address of the dumps", metavar="URL", changes_output=False)
    pageviews_url: str = option(
        "https://dumps.wikimedia.org/other/pageviews",
        "address of the hourly page views",
        metavar="URL",
        changes_output=False,
    )
    wordnet_url: str = option(
        "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages",
        "address of NLTK's data",
        metavar="URL",
        changes_output=False,
    )
    contact: str = option(
        "", "address for the User-Agent header, which Wikimedia asks for", metavar="EMAIL", changes_output=False
    )

    def __post_init__(self) -> None:
        remedies = {"date": "write the date of the dumps as YYYYMMDD", "output": "name a local folder to download to"}
        for name, remedy in remedies.items():
            if not getattr(self, name):
                raise UserError(f"{flag(name)} is missing: {remedy}")
        if self.output.startswith(("s3://", "gs://", "hdfs://", "http://", "https://")):
            raise UserError(f"--output {self.output} isn't a local folder: download to one, and copy it from there")
        self.days()
        check_range("pageviews_days", self.pageviews_days, 0)
        if not all(32 <= ord(character) < 127 for character in self.contact):
            raise UserError("--contact must have ASCII characters only")

    def days(self) -> list[datetime.date]:
        """Returns the days of page views.

        Raises:
            UserError: The date isn't one.
        """
        try:
            if len(self.date) != 8:
                raise ValueError("it doesn't have eight digits")
            first = datetime.datetime.strptime(self.date, "%Y%m%d").date()
        except ValueError as error:
            raise UserError(f"--date {self.date} isn't a date: write YYYYMMDD, such as 20250101") from error
        return [first + datetime.timedelta(days=day) for day in range(self.pageviews_days)]
