"""The files that `metadata fetch` downloads, found before the first of them is requested.

Small files of the servers give names, checksums and sizes: the sums that Wikimedia publishes with a dump, its
dumpstatus.json, and NLTK's index.xml. Page views have no published sizes.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lxml.etree

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.editions import Edition, editions_of
from metaclip_curate.metadata.sources.fetch_file import Checksum, Client
from metaclip_curate.metadata.sources.page_view_days import pick_days
from metaclip_curate.metadata.sources.wordnet import ENGLISH
from metaclip_curate.metadata.wikipedia.file_names import checksums_name, page_views_name, published_dump
from metaclip_curate.options.fetch_metadata import FetchOptions
from metaclip_curate.storage import public_name

Log = Callable[[str], None]
PAGE_VIEWS_FOLDER = "pageviews"
# About the mean of the hourly files.
_PAGE_VIEWS_BYTES = 50_000_000
_DATE_LINK = re.compile(rb'href="(\d{8})/"')
_NLTK_CHECKSUMS = (("sha256", "sha256_checksum"), ("md5", "checksum"))


@dataclass(frozen=True)
class Download:
    """A file to download.

    Attributes:
        url: URL of the file.
        name: Path within the folder of the sources.
        checksum: Published checksum; None if there is none.
        bytes: Published size, bytes; None if it is unknown.
    """

    url: str
    name: str
    checksum: Checksum | None
    bytes: int | None

    @property
    def is_page_views(self) -> bool:
        """Whether it is an hour of page views, which may be missing on the server."""
        return self.name.startswith(f"{PAGE_VIEWS_FOLDER}/")


class FetchPlan:
    """Finds what to download for some languages.

    Args:
        languages: Metadata languages.
        options: Dates and servers.
        client: Client for requests.
        log: Function that prints a line.
    """

    def __init__(self, languages: Sequence[str], options: FetchOptions, client: Client, log: Log) -> None:
        self._languages = list(languages)
        self._editions = [edition for language in languages for edition in editions_of(language, options.with_simple)]
        self._options = options
        self._client = client
        self._log = log

    def downloads(self) -> list[Download]:
        """Returns the files in the order in which they are downloaded.

        Raises:
            UserError: The dump of a language is missing, or a server lacks what it should have.
        """
        self.days()  # before any request, since it can refuse
        dumps: list[Download] = []
        for language in self._languages:
            editions = [edition for edition in self._editions if edition.language == language]
            found = [each for edition in editions for each in self._dump(edition)]
            if not found:
                raise UserError(
                    f"there is no dump of {self._options.date} of any Wikipedia of {language}: choose another --date"
                )
            dumps += found
        return [*dumps, *self._page_views(), *self._wordnets()]

    def days(self) -> list[datetime.date]:
        """Returns the days of page views."""
        options = self._options
        return options.given_days() or pick_days(options.dump_day(), options.days_to_pick(), options.seed)

    def _dump(self, edition: Edition) -> Iterator[Download]:
        base = f"{self._options.dumps_url}/{edition.wiki}/{self._options.date}"
        sums = self._checksums(base, edition)
        if sums is None:
            self._no_dump(edition)
            return
        names = published_dump(sums, self._options.dump_form)
        if not names:
            raise UserError(
                f"{public_name(base)} has no pages-articles dump: it may not be finished, choose an earlier --date"
            )
        sizes = dump_sizes(self._client.read(f"{base}/dumpstatus.json") or b"{}")
        for name in names:
            yield Download(f"{base}/{name}", f"dumps/{name}", sums[name], sizes.get(name))

    def _checksums(self, base: str, edition: Edition) -> dict[str, Checksum] | None:
        """Reads the checksums of a dump's files; None if there is no such dump."""
        for kind in ("sha1", "md5"):
            data = self._client.read(f"{base}/{checksums_name(edition.wiki, self._options.date, kind)}")
            if data is not None:
                return {name: Checksum(kind, digits) for name, digits in parse_sums(data).items()}
        return None

    def _no_dump(self, edition: Edition) -> None:
        url = f"{self._options.dumps_url}/{edition.wiki}/"
        shown = ", ".join(dump_dates(self._client, url)[-6:])
        found = f"there are {shown}" if shown else f"look for dates at {public_name(url)}"
        if edition.code == edition.language:
            raise UserError(f"there is no dump of {edition.wiki} of {self._options.date}: {found}")
        self._log(f"{edition.wiki}: no dump of {self._options.date}, left out ({found})")

    def _page_views(self) -> Iterator[Download]:
        for day in self.days():
            for hour in range(24):
                name = page_views_name(day, hour)
                url = f"{self._options.pageviews_url}/{day:%Y}/{day:%Y-%m}/{name}"
                yield Download(url, f"{PAGE_VIEWS_FOLDER}/{name}", None, None)

    def _wordnets(self) -> Iterator[Download]:
        codes = {edition.wordnet for edition in self._editions} - {""}
        packages = ["omw-1.4"] if codes - {ENGLISH} else []
        packages += ["wordnet"] if ENGLISH in codes else []
        if not packages:
            return
        url = f"{self._options.wordnet_url}/index.xml"
        index = self._client.read(url)
        if index is None:
            raise UserError(f"{public_name(url)} is missing: check whether --wordnet-url is right")
        found = nltk_packages(index, public_name(url))
        for package in packages:
            if package not in found:
                raise UserError(
                    f"{public_name(url)} has no checksum of {package}: check whether --wordnet-url is right"
                )
            checksum, size = found[package]
            name = f"{package}.zip"
            yield Download(f"{self._options.wordnet_url}/packages/corpora/{name}", f"wordnet/{name}", checksum, size)


def dump_dates(client: Client, url: str) -> list[str]:
    """Returns the dates of a wiki's dumps, YYYYMMDD, sorted.

    Args:
        client: Client for requests.
        url: URL of the wiki's folder on the server.
    """
    return sorted({date.decode() for date in _DATE_LINK.findall(client.read(url) or b"")})


def describe(downloads: Sequence[Download]) -> str:
    """Returns how many files there are and how large they are together, page views apart from the rest."""
    views = [each for each in downloads if each.is_page_views]
    rest = [each for each in downloads if not each.is_page_views]
    known = [each.bytes for each in rest if each.bytes is not None]
    parts = []
    if rest:
        parts.append(f"{len(rest):,} files of dumps and wordnets, {sum(known):,} bytes")
        if len(known) < len(rest):
            parts[0] += f" and {len(rest) - len(known):,} files of unknown size"
    if views:
        parts.append(f"{len(views):,} hours of page views, about {len(views) * _PAGE_VIEWS_BYTES / 1e9:,.1f} GB")
    return "; ".join(parts) or "nothing"


def parse_sums(data: bytes) -> dict[str, str]:
    """Parses the output of sha1sum to hex digits by file name."""
    lines = (line.split() for line in data.decode("utf-8", "replace").splitlines())
    return {fields[1].lstrip("*"): fields[0] for fields in lines if len(fields) == 2}


def dump_sizes(status: bytes) -> dict[str, int]:
    """Parses the sizes of a dump's files, by name, from its dumpstatus.json; none if it has another form."""
    try:
        jobs: Mapping[str, Any] = json.loads(status).get("jobs", {})
        files = [file for job in jobs.values() for file in job.get("files", {}).items()]
        return {name: int(file["size"]) for name, file in files if "size" in file}
    except (ValueError, TypeError, AttributeError):
        return {}


def nltk_packages(index: bytes, url: str) -> dict[str, tuple[Checksum, int | None]]:
    """Parses checksum and size of the packages in NLTK's index.xml.

    Args:
        index: Content of the file.
        url: Its URL, for messages.

    Raises:
        UserError: The file isn't XML.
    """
    try:
        root = lxml.etree.fromstring(index, lxml.etree.XMLParser(resolve_entities=False, no_network=True))
    except lxml.etree.XMLSyntaxError as error:
        raise UserError(f"{url} isn't XML ({error}): check whether --wordnet-url is right") from error
    return {package.get("id"): found for package in root.iter("package") for found in _strongest(package)}


def _strongest(package: Any) -> Iterator[tuple[Checksum, int | None]]:
    size = package.get("size") or ""
    for kind, attribute in _NLTK_CHECKSUMS:
        if package.get(attribute):
            yield Checksum(kind, package.get(attribute)), int(size) if size.isdecimal() else None
            return
