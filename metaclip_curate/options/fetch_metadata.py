"""The options of `metadata fetch`."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, flag, option

# The first whole day of Wikimedia's pageviews files in their present form.
FIRST_PAGE_VIEWS = datetime.date(2015, 5, 2)
DumpForm = Literal["multistream", "articles"]
LATEST = "latest"


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
        "date of the dumps, YYYYMMDD, or latest for the newest date with complete dumps of all languages; days of page "
        "views are picked from the years before",
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
    with_simple: bool = option(
        False, "count the Simple English Wikipedia as one of English (default: as one of other)", changes_output=False
    )
    dump_form: DumpForm = option("multistream", "form of the dumps where a wiki has both", changes_output=False)
    pageviews_days: int | None = option(
        None,
        "number of days of page views to pick, each 24 files of about 50 MB; 0 for none "
        "(default: 26 for English alone, 40 for other languages)",
        metavar="N",
        changes_output=False,
    )
    pageviews_dates: tuple[str, ...] = option(
        (), "days of page views, YYYYMMDD, instead of picked ones", metavar="DATE", changes_output=False
    )
    seed: int = option(0, "seed of the hash that picks the days of page views", metavar="N", changes_output=False)
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
        remedies = {
            "date": f"write the date of the dumps as YYYYMMDD, or {LATEST}",
            "output": "name a local folder to download to",
        }
        for name, remedy in remedies.items():
            if not getattr(self, name):
                raise UserError(f"{flag(name)} is missing: {remedy}")
        if self.output.startswith(("s3://", "gs://", "hdfs://", "http://", "https://")):
            raise UserError(f"--output {self.output} isn't a local folder: download to one, and copy it from there")
        if self.date != LATEST:
            self.dump_day()
        for day in self.given_days():
            if day < FIRST_PAGE_VIEWS:
                raise UserError(
                    f"--pageviews-dates {day:%Y%m%d} is too early: page views begin on {FIRST_PAGE_VIEWS:%Y%m%d}"
                )
        if self.pageviews_days is not None:
            check_range("pageviews_days", self.pageviews_days, 0)
            if self.pageviews_dates:
                raise UserError("--pageviews-days and --pageviews-dates exclude each other: give one of them")
        check_range("seed", self.seed, 0)
        if not all(32 <= ord(character) < 127 for character in self.contact):
            raise UserError("--contact must have ASCII characters only")

    def dump_day(self) -> datetime.date:
        """Returns the date of the dumps."""
        return _day("date", self.date)

    def given_days(self) -> list[datetime.date]:
        """Returns the given days of page views, each once, in their order."""
        return sorted({_day("pageviews_dates", date) for date in self.pageviews_dates})

    def days_to_pick(self) -> int:
        """Returns how many days of page views to pick where none are given: the papers' numbers by default."""
        if self.pageviews_days is not None:
            return self.pageviews_days
        # MetaCLIP 1 counted 26 days for English, Meta CLIP 2 40 days for the other languages.
        return 26 if self.languages == ("en",) else 40


def _day(name: str, date: str) -> datetime.date:
    try:
        if not re.fullmatch(r"[0-9]{8}", date):
            raise ValueError("it doesn't have eight digits")
        return datetime.datetime.strptime(date, "%Y%m%d").date()
    except ValueError as error:
        raise UserError(f"{flag(name)} {date} isn't a date: write YYYYMMDD, such as 20250101") from error
