"""Downloads the sources of a build: dumps and pageviews from Wikimedia, wordnets from NLTK's data.

The list of files is made first, and their number and size are printed (`fetch_plan`). Files are then downloaded one
after another, so that no host has more than one connection. Dumps are checked against the SHA-1 (or MD5) sums that
Wikimedia publishes with them, wordnets against the sums in NLTK's index.xml, and pageviews, which have no published
sums, against the checksum inside the gzip file. `fetched.json` in the folder records the URL and digests of each file;
a file that it names isn't downloaded again. A file that it doesn't name isn't replaced: it is recorded if it passes the
same check, and refused otherwise.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from isal import igzip, isal_zlib

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.editions import check_languages
from metaclip_curate.metadata.sources.fetch_file import Checksum, Client, Fetched, fetch_file
from metaclip_curate.metadata.sources.fetch_plan import PAGE_VIEWS_FOLDER, Download, FetchPlan, describe
from metaclip_curate.metadata.sources.latest_dump import latest_date
from metaclip_curate.metadata.wikipedia.file_names import page_views_name
from metaclip_curate.options.fetch_metadata import LATEST, FetchOptions
from metaclip_curate.storage import public_name
from metaclip_curate.storage.atomic_file import atomic_write

Log = Callable[[str], None]
FETCHED_FILE = "fetched.json"
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
            UserError: The dump of a language or all pageviews are missing, a file can't be downloaded, or another file
                has its name.
        """
        options = self._options
        if options.date == LATEST:
            options = dataclasses.replace(options, date=latest_date(self._languages, options, self._client))
            self._log(f"the newest complete dumps are of {options.date}: --date {options.date} gives the same again")
        plan = FetchPlan(self._languages, options, self._client, self._log)
        downloads = plan.downloads()
        missing = [each for each in downloads if not (self._is_downloaded(each) or self._take_over(each))]
        there = len(downloads) - len(missing)
        self._log(f"to download: {describe(missing)}" + (f"; {there:,} files already downloaded" if there else ""))
        for each in missing:
            self._download(each)
        self._check_page_views(plan.days())
        return dict(self._fetched)

    def _is_downloaded(self, each: Download) -> bool:
        known, target = self._fetched.get(each.name), self._folder / each.name
        if known is None or known["url"] != public_name(each.url):
            return False
        return target.exists() and target.stat().st_size == known["bytes"]

    def _take_over(self, each: Download) -> bool:
        """Records a file that came into the folder by other means; returns whether there is one.

        Raises:
            UserError: It isn't the server's file, or not a whole one.
        """
        target = self._folder / each.name
        if each.name in self._fetched or not target.exists():
            return False
        if not target.is_file():
            raise UserError(f"{target} isn't a file: move it away or give another --output")
        found = _digests(target, each.checksum)
        if each.checksum is None:
            fault = _gzip_fault(target)
        else:
            digits = found[each.checksum.kind]
            is_same = digits == each.checksum.digits.lower()
            fault = "" if is_same else f"its {each.checksum.kind} is {digits} and should be {each.checksum.digits}"
        if fault:
            raise UserError(
                f"{target} isn't the file to download ({fault}), and {FETCHED_FILE} doesn't name it: move it away or "
                "give another --output"
            )
        self._keep(each, Fetched(target.stat().st_size, found["sha256"], 0))
        self._log(f"{each.name}: already in the folder, and {'whole' if each.checksum is None else 'the right file'}")
        return True

    def _check_page_views(self, days: Sequence[datetime.date]) -> None:
        """Reports days of which the server has no hour.

        Raises:
            UserError: It has none of all the days.
        """
        empty = [
            f"{day:%Y%m%d}"
            for day in days
            if not any(f"{PAGE_VIEWS_FOLDER}/{page_views_name(day, hour)}" in self._fetched for hour in range(24))
        ]
        if empty and len(empty) == len(days):
            url, shown = public_name(self._options.pageviews_url), ", ".join(empty[:3])
            more = f" and {len(empty) - 3} more days" if len(empty) > 3 else ""
            raise UserError(f"{url} has no pageviews of {shown}{more}: choose other days with --pageviews-dates")
        if empty:
            self._log(f"pageviews: none on the server of {', '.join(empty)}")

    def _download(self, each: Download) -> None:
        target = self._folder / each.name
        fetched = fetch_file(each.url, target, each.checksum, self._client)
        if fetched is None:
            if not each.is_page_views:
                raise UserError(f"{public_name(each.url)} is missing although the server lists it: try again later")
            self._log(f"{target.name}: missing on the server")
            return
        if each.checksum is None and (fault := _gzip_fault(target)):
            target.unlink()
            raise UserError(f"{target.name} is damaged ({fault}): the same command downloads it again")
        self._keep(each, fetched)
        went_on = f", from byte {fetched.resumed_at:,} on" if fetched.resumed_at else ""
        self._log(f"{each.name}: {fetched.bytes:,} bytes{went_on}")

    def _keep(self, each: Download, fetched: Fetched) -> None:
        """Writes the record of a file to fetched.json."""
        checked = f"{each.checksum.kind}:{each.checksum.digits}" if each.checksum else "gzip:crc32"
        self._fetched[each.name] = {
            "url": public_name(each.url),
            "bytes": fetched.bytes,
            "sha256": fetched.sha256,
            "checksum": checked,
        }
        text = json.dumps(dict(sorted(self._fetched.items())), indent=1) + "\n"
        with atomic_write(self._record) as file:
            file.write(text.encode())


def _digests(path: Path, checksum: Checksum | None) -> dict[str, str]:
    """Computes the SHA-256 of a file, and the hash of its published checksum, by name of the hash."""
    hashes = {kind: hashlib.new(kind) for kind in {"sha256", checksum.kind if checksum else "sha256"}}
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            for each in hashes.values():
                each.update(piece)
    return {kind: each.hexdigest() for kind, each in hashes.items()}


def _gzip_fault(path: Path) -> str:
    """Verifies a gzip file against the checksum at its end, and returns what is wrong; empty if nothing is."""
    try:
        with igzip.open(path, "rb") as file:  # type: ignore[no-untyped-call]
            while file.read(_PIECE):
                pass
    except (OSError, EOFError, zlib.error, isal_zlib.IsalError) as error:  # type: ignore[misc]  # the stubs don't declare it as an exception
        return str(error)
    return ""
