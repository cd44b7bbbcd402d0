"""Downloads the sources of a build: dumps and pageviews from Wikimedia, wordnets from NLTK's data.

Files are downloaded one after another, so that no host has more than one connection. Dumps are checked against the
SHA-1 (or MD5) sums that Wikimedia publishes with them, wordnets against the sums in NLTK's index.xml, and pageviews,
which have no published sums, against the checksum inside the gzip file. `fetched.json` in the folder records the URL
and digests of each file; a file that it names isn't downloaded again.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lxml.etree
from isal import igzip, isal_zlib

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.editions import Edition, check_languages, editions_of
from metaclip_curate.metadata.sources.fetch_file import Checksum, Client, fetch_file
from metaclip_curate.metadata.sources.wordnet import ENGLISH
from metaclip_curate.metadata.wikipedia.file_names import checksums_name, page_views_name, published_dump
from metaclip_curate.options.fetch_metadata import FetchOptions
from metaclip_curate.storage import public_name
from metaclip_curate.storage.atomic_file import atomic_write

Log = Callable[[str], None]
FETCHED_FILE = "fetched.json"
_DATE_LINK = re.compile(rb'href="(\d{8})/"')
_NLTK_CHECKSUMS = (("sha256", "sha256_checksum"), ("md5", "checksum"))
_PIECE = 1 << 20


class Fetch:
    """The download of all sources for some languages.

    Args:
        options: Languages, dates and servers.
        client: Client for requests.
        log: Function that prints a line.

    Raises:
        UserError: A language is unknown.
    """

    def __init__(self, options: FetchOptions, client: Client, log: Log = print) -> None:
        self._options = options
        self._client = client
        self._log = log
        self._languages = check_languages(options.languages)
        self._folder = Path(options.output)
        self._record = self._folder / FETCHED_FILE
        self._fetched: dict[str, dict[str, Any]] = {}
        if self._record.exists():
            try:
                self._fetched = dict(json.loads(self._record.read_bytes()))
            except (ValueError, TypeError) as error:
                raise UserError(f"{self._record} is damaged ({error}): remove it") from error

    def run(self) -> dict[str, dict[str, Any]]:
        """Downloads the files that are missing.

        Returns:
            The records of fetched.json by path within the folder.

        Raises:
            UserError: The dump of a language or all pageviews are missing, or a file can't be downloaded.
        """
        for language in self._languages:
            for edition in editions_of(language):
                self._fetch_dump(edition)
        self._fetch_page_views()
        self._fetch_wordnets()
        return dict(self._fetched)

    def _fetch_dump(self, edition: Edition) -> None:
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
        for name in names:
            self._get(f"{base}/{name}", f"dumps/{name}", sums[name])

    def _checksums(self, base: str, edition: Edition) -> dict[str, Checksum] | None:
        """Reads the checksums of a dump's files; None if there is no such dump."""
        for kind in ("sha1", "md5"):
            data = self._client.read(f"{base}/{checksums_name(edition.wiki, self._options.date, kind)}")
            if data is not None:
                return {name: Checksum(kind, digits) for name, digits in parse_sums(data).items()}
        return None

    def _no_dump(self, edition: Edition) -> None:
        url = f"{self._options.dumps_url}/{edition.wiki}/"
        dates = sorted(set(_DATE_LINK.findall(self._client.read(url) or b"")))
        shown = ", ".join(date.decode() for date in dates[-6:])
        found = f"there are {shown}" if shown else f"look for dates at {public_name(url)}"
        if edition.code == edition.language:
            raise UserError(f"there is no dump of {edition.wiki} of {self._options.date}: {found}")
        self._log(f"{edition.wiki}: no dump of {self._options.date}, left out ({found})")

    def _fetch_page_views(self) -> None:
        days, found = self._options.days(), 0
        for day in days:
            for hour in range(24):
                name = page_views_name(day, hour)
                url = f"{self._options.pageviews_url}/{day:%Y}/{day:%Y-%m}/{name}"
                if self._get(url, f"pageviews/{name}", None):
                    found += 1
                else:
                    self._log(f"{name}: missing on the server")
        if days and not found:
            url = public_name(self._options.pageviews_url)
            raise UserError(f"{url} has no pageviews of {self._options.date}: choose another")

    def _fetch_wordnets(self) -> None:
        codes = {edition.wordnet for language in self._languages for edition in editions_of(language)} - {""}
        packages = ["omw-1.4"] if codes - {ENGLISH} else []
        packages += ["wordnet"] if ENGLISH in codes else []
        if not packages:
            return
        url = f"{self._options.wordnet_url}/index.xml"
        index = self._client.read(url)
        if index is None:
            raise UserError(f"{public_name(url)} is missing: check whether --wordnet-url is right")
        sums = nltk_checksums(index, public_name(url))
        for package in packages:
            if package not in sums:
                raise UserError(
                    f"{public_name(url)} has no checksum of {package}: check whether --wordnet-url is right"
                )
            name = f"{package}.zip"
            if not self._get(f"{self._options.wordnet_url}/packages/corpora/{name}", f"wordnet/{name}", sums[package]):
                raise UserError(
                    f"{public_name(url)} names {name}, which is missing: check whether --wordnet-url is right"
                )

    def _get(self, url: str, name: str, checksum: Checksum | None) -> bool:
        target = self._folder / name
        known = self._fetched.get(name)
        if known and known["url"] == public_name(url) and target.exists() and target.stat().st_size == known["bytes"]:
            self._log(f"{name}: already downloaded")
            return True
        fetched = fetch_file(url, target, checksum, self._client)
        if fetched is None:
            return False
        if checksum is None:
            _check_gzip(target)
        checked = {"checksum": f"{checksum.kind}:{checksum.digits}"} if checksum else {"checksum": "gzip:crc32"}
        self._fetched[name] = {"url": public_name(url), "bytes": fetched.bytes, "sha256": fetched.sha256, **checked}
        text = json.dumps(dict(sorted(self._fetched.items())), indent=1) + "\n"
        with atomic_write(self._record) as file:
            file.write(text.encode())
        went_on = f", from byte {fetched.resumed_at:,} on" if fetched.resumed_at else ""
        self._log(f"{name}: {fetched.bytes:,} bytes{went_on}")
        return True


def parse_sums(data: bytes) -> dict[str, str]:
    """Parses the output of sha1sum to hex digits by file name."""
    lines = (line.split() for line in data.decode("utf-8", "replace").splitlines())
    return {fields[1].lstrip("*"): fields[0] for fields in lines if len(fields) == 2}


def nltk_checksums(index: bytes, url: str) -> dict[str, Checksum]:
    """Parses the checksums of the packages in NLTK's index.xml.

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
    return {package.get("id"): checksum for package in root.iter("package") for checksum in _strongest(package)}


def _strongest(package: Any) -> Iterator[Checksum]:
    for kind, attribute in _NLTK_CHECKSUMS:
        if package.get(attribute):
            yield Checksum(kind, package.get(attribute))
            return


def _check_gzip(path: Path) -> None:
    """Verifies a gzip file against the checksum at its end.

    Raises:
        UserError: The file was damaged and has been removed.
    """
    try:
        with igzip.open(path, "rb") as file:  # type: ignore[no-untyped-call]
            while file.read(_PIECE):
                pass
    except (OSError, EOFError, zlib.error, isal_zlib.IsalError) as error:  # type: ignore[misc]  # the stubs don't declare it as an exception
        path.unlink()
        raise UserError(f"{path.name} is damaged ({error}): the same command downloads it again") from error
