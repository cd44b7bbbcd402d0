"""Wikimedia's dumps and pageviews and NLTK's data, as `metadata fetch` finds them, with answers that can go wrong."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping

from tests.support.servers.faulty_http import FaultyHTTPServer

DATE = "20250101"


class WikimediaServer:
    """Fills a server; paths are those of dumps.wikimedia.org, and of NLTK's data below /nltk."""

    def __init__(self, server: FaultyHTTPServer) -> None:
        self.server = server
        self._listings: dict[str, str] = {}

    def options(self) -> dict[str, str]:
        """The fields of FetchOptions that lead here."""
        url = self.server.url
        return {"dumps_url": url, "pageviews_url": f"{url}/other/pageviews", "wordnet_url": f"{url}/nltk"}

    def add_dump(
        self, wiki: str, files: Mapping[str, bytes], date: str = DATE, lie: str = "", status: str = "done"
    ) -> list[str]:
        """Serves the files of a dump, their checksums and their sizes.

        Args:
            wiki: Such as dewiki.
            files: By what follows `dewiki-20250101-` in their names.
            date: The dump's date.
            lie: A file whose published checksum is wrong.
            status: Status of the job that writes the files.

        Returns:
            The paths of the files.
        """
        base, lines, paths = f"/{wiki}/{date}/{wiki}-{date}", [], []
        for name, data in files.items():
            told = b"something else" if name == lie else data
            lines.append(f"{hashlib.sha1(told, usedforsecurity=False).hexdigest()}  {wiki}-{date}-{name}\n")
            self.server.add(f"{base}-{name}", data)
            paths.append(f"{base}-{name}")
        self.server.add(f"{base}-sha1sums.txt", "".join(lines).encode())
        listed = {f"{wiki}-{date}-{name}": {"size": len(data)} for name, data in files.items()}
        jobs = {"jobs": {"articlesdump": {"status": status, "files": listed}}}
        self.server.add(f"/{wiki}/{date}/dumpstatus.json", json.dumps(jobs).encode())
        self._listings[wiki] = self._listings.get(wiki, "") + f'<a href="{date}/">{date}/</a> '
        self.server.add(f"/{wiki}/", f'{self._listings[wiki]}<a href="latest/">latest/</a>'.encode())
        return paths

    def add_page_views(self, lines: bytes, date: str = DATE, hours: range = range(24)) -> list[str]:
        """Serves hourly files that all have these lines; returns their paths."""
        folder = f"/other/pageviews/{date[:4]}/{date[:4]}-{date[4:6]}"
        paths = [f"{folder}/pageviews-{date}-{hour:02}0000.gz" for hour in hours]
        for path in paths:
            self.server.add(path, gzip.compress(lines))
        return paths

    def add_wordnets(self, tabs: Mapping[str, bytes], princeton: Mapping[str, bytes]) -> None:
        """Serves omw-1.4.zip, wordnet.zip and the index with their checksums."""
        packages = {
            "omw-1.4": zipped({f"omw-1.4/{code}/wn-data-{code}.tab": data for code, data in tabs.items()}),
            "wordnet": zipped({f"wordnet/{name}": data for name, data in princeton.items()}),
        }
        rows = []
        for name, data in packages.items():
            digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
            rows.append(f'<package id="{name}" checksum="{digest}" size="{len(data)}"/>')
            self.server.add(f"/nltk/packages/corpora/{name}.zip", data)
        self.server.add("/nltk/index.xml", f"<nltk_data><packages>{''.join(rows)}</packages></nltk_data>".encode())


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
