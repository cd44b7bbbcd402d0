"""Everything for some languages from a server laid out like Wikimedia's and NLTK's."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.cli import main
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.editions import editions_of
from metaclip_curate.metadata.sources.fetch import Fetch
from metaclip_curate.metadata.sources.fetch_file import Client
from metaclip_curate.metadata.sources.page_view_days import pick_days
from metaclip_curate.metadata.sources.source_files import SourceFiles
from metaclip_curate.options.fetch_metadata import FetchOptions
from metaclip_curate.storage import StorageOptions
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.wikimedia import DATE, WikimediaServer

_DUMP = {
    "pages-articles-multistream.xml.bz2": b"multistream",
    "pages-articles-multistream-index.txt.bz2": b"index",
    "pages-articles.xml.bz2": b"articles",
    "pages-meta-current.xml.bz2": b"not wanted",
}
_CLIENT = Client(StorageOptions(max_attempts=2), sleep=lambda seconds: None)


@pytest.fixture
def wikimedia(faulty_http: FaultyHTTPServer) -> WikimediaServer:
    server = WikimediaServer(faulty_http)
    server.add_dump("dewiki", _DUMP)
    server.add_page_views(b"de Hund 3 0\n")
    server.add_wordnets({"fra": b"# x\n00001740-n\tlemma\tchien\n"}, {"data.noun": b""})
    return server


def fetch(wikimedia: WikimediaServer, folder: Path, **given: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
    logged: list[str] = []
    days = {} if "pageviews_days" in given else {"pageviews_dates": (DATE,)}
    options = {"languages": ("de",), "date": DATE, "output": str(folder), **days, **wikimedia.options(), **given}
    return Fetch(FetchOptions(**options), _CLIENT, logged.append).run(), logged


def test_all_of_a_language(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    fetched, _ = fetch(wikimedia, tmp_path)
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == sorted([*fetched, "fetched.json"])
    assert json.loads((tmp_path / "fetched.json").read_text()) == fetched
    dumps = [name for name in files if name.startswith("dumps/")]
    assert dumps == [f"dumps/dewiki-{DATE}-{name}" for name in sorted(_DUMP) if "multistream" in name]
    assert sum(name.startswith("pageviews/") for name in files) == 24
    assert fetched[dumps[0]]["checksum"].startswith("sha1:")
    # What it downloads is what a build takes.
    sources = SourceFiles([str(tmp_path)], StorageOptions())
    assert [file.name for file in sources.texts(editions_of("de"), print)] == dumps
    assert len(sources.page_views()) == 24


def test_a_second_call_asks_for_nothing_that_is_there(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    fetch(wikimedia, tmp_path)
    before = len(wikimedia.server.requests)
    (tmp_path / f"dumps/dewiki-{DATE}-pages-articles-multistream.xml.bz2").write_bytes(b"cut")
    _, logged = fetch(wikimedia, tmp_path)
    asked = [request.path.rpartition("-")[2] for request in wikimedia.server.requests[before:]]
    assert asked == ["sha1sums.txt", f"/dewiki/{DATE}/dumpstatus.json", "multistream.xml.bz2"]
    assert "to download: 1 files of dumps and wordnets, 11 bytes; 25 files already downloaded" in logged


def test_a_file_of_the_users_is_recorded_if_it_is_the_servers_and_never_replaced(
    wikimedia: WikimediaServer, tmp_path: Path
) -> None:
    fetched, _ = fetch(wikimedia, tmp_path)
    (tmp_path / "fetched.json").unlink()
    before = len(wikimedia.server.requests)
    again, logged = fetch(wikimedia, tmp_path)
    assert again == fetched
    assert not any(request.path.endswith((".bz2", ".gz")) for request in wikimedia.server.requests[before:])
    dump, hour = f"dumps/dewiki-{DATE}-pages-articles-multistream.xml.bz2", f"pageviews/pageviews-{DATE}-000000.gz"
    assert f"{dump}: already in the folder, and the right file" in logged
    assert f"{hour}: already in the folder, and whole" in logged
    for name in (dump, hour):
        kept = (tmp_path / name).read_bytes()
        (tmp_path / "fetched.json").unlink()
        (tmp_path / name).write_bytes(b"mine")
        with pytest.raises(UserError, match=r"isn't the file to download \(.+\), and fetched.json doesn't name"):
            fetch(wikimedia, tmp_path)
        assert (tmp_path / name).read_bytes() == b"mine"
        (tmp_path / name).write_bytes(kept)


def test_sizes_are_printed_before_anything_is_downloaded(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    """A dump whose server publishes no sizes is of unknown size."""
    wikimedia.add_dump("frwiki", _DUMP)
    languages = ("de", "fr")
    size = len(b"multistream") + len(b"index")
    fetched, logged = fetch(wikimedia, tmp_path / "a", languages=languages)
    omw = fetched["wordnet/omw-1.4.zip"]["bytes"]
    assert logged[0] == (
        f"to download: 5 files of dumps and wordnets, {2 * size + omw:,} bytes; 24 hours of page views, about 1.2 GB"
    )
    wikimedia.server.fail(f"/frwiki/{DATE}/dumpstatus.json", Fault(status=404))
    _, logged = fetch(wikimedia, tmp_path / "b", languages=languages, pageviews_days=0)
    assert logged[0] == (
        f"to download: 5 files of dumps and wordnets, {size + omw:,} bytes and 2 files of unknown size"
    )


def test_picked_days_are_downloaded(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    days = [f"{day:%Y%m%d}" for day in pick_days(datetime.date(2025, 1, 1), 3, 7)]
    for day in (days[0], days[2]):
        wikimedia.add_page_views(b"de Hund 3 0\n", date=day)
    fetched, logged = fetch(wikimedia, tmp_path, pageviews_days=3, seed=7)
    found = sorted({name.split("-")[1] for name in fetched if name.startswith("pageviews/")})
    assert found == [days[0], days[2]]
    assert logged[-1] == f"pageviews: none on the server of {days[1]}"


def test_a_file_that_its_server_lists_and_lacks(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    path = f"/dewiki/{DATE}/dewiki-{DATE}-pages-articles-multistream.xml.bz2"
    wikimedia.server.fail(path, Fault(status=404))
    with pytest.raises(UserError, match=r"multistream\.xml\.bz2 is missing although the server lists it"):
        fetch(wikimedia, tmp_path)


def test_only_the_wordnets_that_are_needed(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    wikimedia.add_dump("frwiki", _DUMP)
    fetched, _ = fetch(wikimedia, tmp_path, languages=("fr",), pageviews_days=0)
    assert "wordnet/omw-1.4.zip" in fetched
    assert "wordnet/wordnet.zip" not in fetched


def test_the_other_form(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    fetched, _ = fetch(wikimedia, tmp_path, dump_form="articles", pageviews_days=0)
    assert list(fetched) == [f"dumps/dewiki-{DATE}-pages-articles.xml.bz2"]


def test_a_dump_whose_checksum_lies(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    wikimedia.add_dump("dewiki", _DUMP, lie="pages-articles-multistream.xml.bz2")
    with pytest.raises(UserError, match=r"multistream\.xml\.bz2 has the sha1"):
        fetch(wikimedia, tmp_path)
    assert not list(tmp_path.glob("dumps/*multistream.xml*"))


def test_a_wiki_without_that_date(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"no dump of dewiki of 20240101: there are {DATE}"):
        fetch(wikimedia, tmp_path, date="20240101")


def test_merged_editions_come_too_and_may_be_missing(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    for wiki in ("zhwiki", "zh_yuewiki"):
        wikimedia.add_dump(wiki, _DUMP)
    fetched, logged = fetch(wikimedia, tmp_path, languages=("zh",), pageviews_days=0)
    wikis = {name.split("/")[1].split("-")[0] for name in fetched if name.startswith("dumps/")}
    assert wikis == {"zhwiki", "zh_yuewiki"}
    assert any(line.startswith("ganwiki: no dump") for line in logged)


def test_hours_that_are_missing_or_damaged(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    paths = wikimedia.add_page_views(b"de Hund 3 0\n")
    wikimedia.server.fail(paths[3], Fault(status=404))
    fetched, logged = fetch(wikimedia, tmp_path)
    assert f"pageviews-{DATE}-030000.gz: missing on the server" in logged
    assert len(fetched) == 25
    wikimedia.server.add(paths[3], b"\x1f\x8bdamaged")
    with pytest.raises(UserError, match="is damaged"):
        fetch(wikimedia, tmp_path)
    with pytest.raises(UserError, match=r"no pageviews of 20240201, 20240205: .*--pageviews-dates"):
        fetch(wikimedia, tmp_path, pageviews_dates=("20240205", "20240201"))


def test_the_command(wikimedia: WikimediaServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = [part for name, url in wikimedia.options().items() for part in (f"--{name.replace('_', '-')}", url)]
    given = ["metadata", "fetch", "--languages", "de", "--date", DATE, "--output", str(tmp_path), *server]
    given += ["--pageviews-dates", DATE]
    assert main(given) == 0
    assert "26 files" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (["--date", DATE, "--output", "x"], "--languages is missing"),
        (["--languages", "de", "--output", "x"], "--date is missing"),
        (["--languages", "de", "--date", "2025-1-1", "--output", "x"], "isn't a date"),
        (["--languages", "de", "--date", "20251301", "--output", "x"], "isn't a date"),
        (["--languages", "de", "--date", DATE, "--output", "x", "--pageviews-dates", "2025"], "--pageviews-dates 2025"),
        (
            ["--languages", "de", "--date", DATE, "--output", "x", "--pageviews-dates", DATE, "--pageviews-days", "2"],
            "exclude each other",
        ),
        (["--languages", "german", "--date", DATE, "--output", "x"], "de (German)"),
        (["--languages", "de", "--date", DATE, "--output", "s3://b/x"], "isn't a local folder"),
        (["--languages", "de", "--date", DATE, "--output", "x", "--contact", "ü"], "--contact"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], given: list[str], part: str) -> None:
    assert main(["metadata", "fetch", *given]) == 2
    assert part in capsys.readouterr().err


def test_a_mirrors_password_is_written_nowhere(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    mirror = wikimedia.server.url.replace("://", "://user:SECRET@")
    fetched, logged = fetch(wikimedia, tmp_path, dumps_url=mirror)
    assert all("authorization" in request.headers for request in wikimedia.server.requests if "dewiki" in request.path)
    assert any(each["url"].startswith(f"{wikimedia.server.url}/dewiki/") for each in fetched.values())
    assert fetch(wikimedia, tmp_path, dumps_url=wikimedia.server.url)[0] == fetched
    with pytest.raises(UserError, match="there is no dump") as missing:
        fetch(wikimedia, tmp_path / "b", dumps_url=f"{mirror}/none")
    shown = [*logged, str(missing.value), *(str(path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file())]
    assert not any("SECRET" in text for text in shown)


@pytest.mark.slow
def test_a_language_without_any_dump(wikimedia: WikimediaServer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"no dump of {DATE} of any Wikipedia of other"):
        fetch(wikimedia, tmp_path, languages=("other",), pageviews_days=0)
