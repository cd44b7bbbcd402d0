"""The newest date of which all languages have complete dumps."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.fetch import Fetch
from metaclip_curate.metadata.sources.fetch_file import Client
from metaclip_curate.metadata.sources.latest_dump import latest_date
from metaclip_curate.options.fetch_metadata import FetchOptions
from metaclip_curate.storage import StorageOptions
from tests.support.servers.faulty_http import FaultyHTTPServer
from tests.support.servers.wikimedia import WikimediaServer

_CLIENT = Client(StorageOptions(max_attempts=2), sleep=lambda seconds: None)
_FILE = {"pages-articles.xml.bz2": b"articles"}


@pytest.fixture
def wikimedia(faulty_http: FaultyHTTPServer) -> WikimediaServer:
    server = WikimediaServer(faulty_http)
    for date in ("20250101", "20250120"):
        server.add_dump("dewiki", _FILE, date)
    server.add_dump("dewiki", _FILE, "20250201", status="in-progress")
    server.add_dump("dewiki", {"pages-meta-current.xml.bz2": b""}, "20250220")
    server.add_dump("frwiki", _FILE, "20250101")
    server.add_wordnets({"deu": b""}, {})
    return server


def _options(wikimedia: WikimediaServer, *languages: str, folder: Path = Path("x")) -> FetchOptions:
    given = {"languages": languages, "date": "latest", "output": str(folder), "pageviews_days": 0}
    return FetchOptions(**given, **wikimedia.options())  # type: ignore[arg-type]


def test_a_dump_that_is_not_finished_is_not_the_latest(wikimedia: WikimediaServer) -> None:
    assert latest_date(["de"], _options(wikimedia, "de"), _CLIENT) == "20250120"


def test_all_languages_have_the_date(wikimedia: WikimediaServer) -> None:
    assert latest_date(["de", "fr"], _options(wikimedia, "de", "fr"), _CLIENT) == "20250101"


def test_no_date_at_all(wikimedia: WikimediaServer) -> None:
    with pytest.raises(UserError, match="lists no date with complete dumps of dewiki, jawiki: give a --date"):
        latest_date(["de", "ja"], _options(wikimedia, "de", "ja"), _CLIENT)


def test_the_latest_dump_is_downloaded(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    logged: list[str] = []
    fetched = Fetch(_options(wikimedia, "de", folder=tmp_path), _CLIENT, logged.append).run()
    assert "dumps/dewiki-20250120-pages-articles.xml.bz2" in fetched
    assert "20250120" in logged[0]
