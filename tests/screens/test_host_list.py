"""Lists of hosts in the forms in which people have them, and what is said of broken ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.screens.host_list import list_digest, parse_hosts, read_host_list, read_hosts
from metaclip_curate.screens.host_screens import HostScreen
from metaclip_curate.screens.hosts import hosts_of
from metaclip_curate.screens.public_suffixes import are_public_suffixes
from metaclip_curate.storage import StorageOptions

OPTIONS = StorageOptions()


def _read(text: str) -> list[str]:
    return sorted(parse_hosts(text.encode(), "list.txt").to_pylist())


def _rejected(source: Path, hosts: list[str]) -> list[str]:
    screen = HostScreen(read_host_list(str(source), OPTIONS).table)
    mask = screen.rejects_hosts(hosts_of(pa.array([f"https://{host}/a.jpg" for host in hosts], pa.string())))
    return [host for host, rejected in zip(hosts, mask, strict=True) if rejected]


def test_a_plain_list() -> None:
    assert _read("example.com\n\n# a comment\nwww.Example.ORG. # another\n*.cdn.net\n.dot.net\r\n") == [
        "cdn.net",
        "dot.net",
        "example.com",
        "www.example.org",
    ]


def test_a_hosts_file() -> None:
    text = (
        "127.0.0.1 localhost\n127.0.0.1 localhost.localdomain\n::1 ip6-localhost ip6-loopback\n"
        "0.0.0.0 ads.example.com\n0.0.0.0\tb.example.com # why\n:: c.example.com d.example.com\n"
    )
    assert _read(text)[:4] == ["ads.example.com", "b.example.com", "c.example.com", "d.example.com"]


def test_other_scripts_and_addresses() -> None:
    assert _read("bücher.de\n2001:DB8::1\n10.0.0.1") == ["10.0.0.1", "[2001:db8::1]", "xn--bcher-kva.de"]


@pytest.mark.parametrize(
    "line", ["https://example.com/", "example.com/path", "word", "two words.com", "a..b.com", "<html>"]
)
def test_a_broken_line_is_named(line: str) -> None:
    with pytest.raises(UserError) as error:
        parse_hosts(f"a.org\nb.org\n{line}\n".encode(), "list.txt")
    assert str(error.value).startswith("list.txt:3 has ")
    assert "write a host a line, such as example.com" in str(error.value)


def test_a_line_that_isnt_utf8_is_named() -> None:
    with pytest.raises(UserError, match=r"^list.txt:12 isn't UTF-8"):
        parse_hosts(b"a.org\nb.org\n\xff\xfe\n", "list.txt", first_line=10)


def test_subdomains_are_included_and_neighbours_not(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("example.com\n")
    hosts = ["example.com", "a.b.example.com", "notexample.com", "example.com.org", "com"]
    assert _rejected(tmp_path / "list", hosts) == ["example.com", "a.b.example.com"]


def test_a_public_suffix_stands_for_itself_alone(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("github.io\nco.uk\nfoo.ck\nwww.ck\ncom\n")
    hosts = ["github.io", "mine.github.io", "a.co.uk", "co.uk", "b.foo.ck", "b.www.ck", "a.com"]
    assert _rejected(tmp_path / "list", hosts) == ["github.io", "co.uk", "b.www.ck"]
    assert read_host_list(str(tmp_path / "list"), OPTIONS).public_suffixes == 4


def test_public_suffixes() -> None:
    hosts = pa.array(["com", "example.com", "co.uk", "anything.ck", "www.ck", "a.b.ck", "xn--55qx5d.cn"])
    assert are_public_suffixes(hosts).tolist() == [True, False, True, True, False, False, True]


def test_a_folder_of_categories(tmp_path: Path) -> None:
    for category, host in {"adult": "a.org", "gambling": "g.org"}.items():
        folder = tmp_path / "lists" / category
        folder.mkdir(parents=True)
        (folder / "domains").write_text(f"{host}\n")
        (folder / "urls").write_text(f"{host}/page\n")
    assert _rejected(tmp_path / "lists", ["a.org", "g.org", "b.org"]) == ["a.org", "g.org"]
    assert _rejected(tmp_path / "lists" / "adult", ["a.org", "g.org"]) == ["a.org"]
    before = list_digest(str(tmp_path / "lists"), OPTIONS)
    (tmp_path / "lists" / "adult" / "domains").write_text("c.org\n")
    assert list_digest(str(tmp_path / "lists"), OPTIONS) != before


def test_a_folder_without_lists_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "readme").write_text("x")
    with pytest.raises(UserError, match="folder without a file named domains"):
        read_host_list(str(tmp_path), OPTIONS)


def test_a_missing_list_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing.txt can't be read"):
        read_host_list(str(tmp_path / "nothing.txt"), OPTIONS)


def test_a_gzipped_list_and_a_damaged_one(tmp_path: Path) -> None:
    data = gzip.compress("\n".join(f"host{number}.org" for number in range(1_000)).encode())
    (tmp_path / "list.gz").write_bytes(data)
    assert sum(map(len, read_hosts(str(tmp_path / "list.gz"), OPTIONS))) == 1_000
    (tmp_path / "joined.gz").write_bytes(data + gzip.compress(b"\nlast.org\n") + bytes(512))
    assert [*read_hosts(str(tmp_path / "joined.gz"), OPTIONS)][-1].to_pylist()[-1] == "last.org"
    (tmp_path / "followed.gz").write_bytes(data + b"<html>")
    with pytest.raises(UserError, match=r"followed.gz is damaged gzip"):
        read_host_list(str(tmp_path / "followed.gz"), OPTIONS)
    (tmp_path / "cut.gz").write_bytes(data[:-20])
    with pytest.raises(UserError, match=r"cut.gz ends within its gzip data"):
        read_host_list(str(tmp_path / "cut.gz"), OPTIONS)


def test_an_empty_list_has_no_hosts(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# nothing yet\n")
    assert len(read_host_list(str(tmp_path / "list"), OPTIONS).table) == 0
