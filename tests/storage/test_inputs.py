"""From what a user writes after --input to the list of files."""

from __future__ import annotations

import dataclasses
import gzip
import os
import socket
import threading
from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.storage import InputError, StorageOptions, expand_inputs, open_input
from metaclip_curate.storage.s3_client import forget_clients
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.guarded_http import GuardedHTTPServer
from tests.support.servers.s3 import S3Server

OPTIONS = StorageOptions(read_timeout=2, max_attempts=1)
CRAWL = [f"crawl-data/CC-MAIN-2025-30/segments/{n % 7}/wat/{n:05d}.warc.wat.gz" for n in range(100)]


def expand(*specs: str, options: StorageOptions = OPTIONS, seed: int = 0) -> list[str]:
    return list(expand_inputs(specs, options, seed).names)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with some files."""
    for name in ("in/b.warc.wat.gz", "in/a.wat", "in/deep/c.warc", "in/deep/d.warc.gz", "other.wat.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    for name in ("in/notes.txt", "in/x.warc.wet.gz", "in/.hidden.wat.gz", "in/deep/a.wat.gz.part"):
        (tmp_path / name).write_bytes(b"1")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


IN = ["in/a.wat", "in/b.warc.wat.gz", "in/deep/c.warc", "in/deep/d.warc.gz"]


def test_tables_of_run_folders_are_no_input(folder: Path) -> None:
    run, other = "in/run/", "in/mine/"
    for name in ("run.json", "_files/extract/00000.json", "pairs/00000/x.parquet", "counts/part-00000.parquet"):
        (folder / run / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / run / name).write_bytes(b"1")
    for name in ("run.json", "x.parquet"):  # other programs have files of this name
        (folder / other / name).parent.mkdir(exist_ok=True)
        (folder / other / name).write_bytes(b"1")
    assert expand("in") == sorted([*IN, "in/mine/x.parquet"])
    assert expand("in/[mr]*") == ["in/mine/x.parquet"]
    assert expand("in/run/pairs") == ["in/run/pairs/00000/x.parquet"]
    # A run that was killed early has no list of files yet.
    (folder / run / "_files/extract/00000.json").rename(folder / run / "run.owner-00000002.json")
    assert expand("in") == sorted([*IN, "in/mine/x.parquet"])


@pytest.mark.parametrize(
    ("specs", "paths"),
    [
        (["other.wat.gz"], ["other.wat.gz"]),
        (["./in//../other.wat.gz"], ["other.wat.gz"]),
        (["in/notes.txt"], ["in/notes.txt"]),  # named outright, it is taken whatever it is called
        (["in"], IN),
        (["in/", "./in"], IN),
        (["other.wat.gz", "in/a.wat", "in"], ["other.wat.gz", *IN]),
        (["in/*.wat*"], IN[:2]),
        (["in/**/*.warc*"], ["in/b.warc.wat.gz", *IN[2:], "in/x.warc.wet.gz"]),
        (["in/d*"], IN[2:]),
        (["in/[ab]*"], IN[:2]),
    ],
)
def test_local(folder: Path, specs: list[str], paths: list[str]) -> None:
    assert expand(*specs) == paths


def test_absolute_and_file_urls(folder: Path) -> None:
    absolute = [str(folder / name) for name in IN]
    assert expand(str(folder / "in")) == absolute
    assert expand((folder / "in").as_uri(), f"{folder}/in/*.wat") == absolute


def test_a_name_that_looks_like_a_pattern(folder: Path) -> None:
    (folder / "a[1].wat").write_bytes(b"1")
    assert expand("a[1].wat") == ["a[1].wat"]


@pytest.mark.parametrize("name", ["wat.paths", "wat.paths.gz", "x.paths", "@list.txt", "@list.gz", "@bom.txt"])
def test_lists(folder: Path, name: str) -> None:
    text = f"# comment\n\ncrawl-data/X/a.wat.gz\r\n  ./in//a.wat \ns3://b/k.wat\n{folder}/other.wat.gz\ns3://b/k.wat"
    body = text.encode("utf-8-sig" if "bom" in name else "utf-8")
    (folder / name.removeprefix("@")).write_bytes(gzip.compress(body) if name.endswith("gz") else body)
    paths = ["crawl-data/X/a.wat.gz", "in/a.wat", "s3://b/k.wat", f"{folder}/other.wat.gz"]
    assert expand(name) == paths
    if name.endswith(".gz"):
        assert expand("*.gz", "other.wat.gz")[-len(paths) :] != []


def test_a_list_keeps_its_order(folder: Path) -> None:
    (folder / "l.paths").write_text("in/b.warc.wat.gz\nin/a.wat\n")
    assert expand("l.paths") == ["in/b.warc.wat.gz", "in/a.wat"]


def test_lists_among_a_patterns_matches(folder: Path) -> None:
    (folder / "one.paths").write_text("in/a.wat\n")
    (folder / "two.paths").write_text("in/deep/c.warc\n")
    assert expand("*.paths") == ["in/a.wat", "in/deep/c.warc"]


def test_local_files_below_crawl_data(folder: Path) -> None:
    (folder / "crawl-data").mkdir()
    (folder / "crawl-data" / "a.wat").write_bytes(b"local")
    for spec in ("crawl-data", "crawl-data/a.wat", "./crawl-data/a.wat", "crawl-data/*"):
        assert expand(spec) == ["./crawl-data/a.wat"]
    with open_input("./crawl-data/a.wat", OPTIONS) as stream:
        assert stream.read() == b"local"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("none.wat", "^none.wat doesn't exist: check"),
        ("empty", "^empty has no input: name a file, or a folder with \\*\\.wat, .* below it$"),
        ("in/*.nope", "^in/\\*.nope matches nothing: check"),
        ("e*y", "^e\\*y has no input"),
        ("", "empty string"),
        ("@none.txt", "^the list none.txt can't be read .No such file"),
        ("@in", "^the list in can't be read .Is a directory"),
        ("@empty.txt", "empty.txt lists no paths"),
        ("@wrong.txt", "wrong.txt, line 2: there is no file b.wat"),
        ("@binary.txt", "binary.txt isn't a list of paths"),
        ("@cut.gz", "cut.gz is damaged"),
        ("ftp://host/a.wat", "scheme ftp"),
        ("hdfs://", "hdfs"),
        ("cc:", "names no crawl"),
        ("cc:CC-MAIN-2025-30:0", "0 files"),
        ("cc:CC-MAIN-2025-30:wet", "names no crawl"),
        ("cc:../../etc", "names no crawl"),
        ("https://host/folder/", "HTTP can't list"),
    ],
)
def test_mistakes_are_named(folder: Path, spec: str, message: str) -> None:
    (folder / "empty.txt").write_text("\n# nothing\n")
    (folder / "wrong.txt").write_text("in/a.wat\nb.wat\n")
    (folder / "binary.txt").write_bytes(b"\xff\xfe\x00")
    (folder / "cut.gz").write_bytes(gzip.compress(b"in/a.wat\n" * 100)[:-9])
    with pytest.raises(UserError, match=message):
        expand("other.wat.gz", spec)


def test_no_input_at_all() -> None:
    with pytest.raises(UserError, match="--input"):
        expand()


@pytest.fixture
def mirror(tmp_path: Path) -> StorageOptions:
    """A crawl's lists in a local mirror."""
    lists = tmp_path / "mirror" / "crawl-data" / "CC-MAIN-2025-30"
    lists.mkdir(parents=True)
    (lists / "wat.paths.gz").write_bytes(gzip.compress("\n".join(CRAWL).encode()))
    warcs = [path.replace("wat", "warc") for path in CRAWL]
    (lists / "warc.paths.gz").write_bytes(gzip.compress("\n".join(warcs).encode()))
    return dataclasses.replace(OPTIONS, cc_base=str(tmp_path / "mirror"))


def test_a_crawl(mirror: StorageOptions) -> None:
    assert expand("cc:CC-MAIN-2025-30", options=mirror) == CRAWL
    assert len(expand("cc:CC-MAIN-2025-30:warc", options=mirror)) == 100
    with pytest.raises(UserError, match=r"cc:CC-MAIN-1999-01 has no list of WAT files .*collinfo"):
        expand("cc:CC-MAIN-1999-01", options=mirror)


def test_some_of_a_crawl(mirror: StorageOptions) -> None:
    twenty = expand("cc:CC-MAIN-2025-30:20", options=mirror, seed=7)
    assert len(twenty) == 20
    assert twenty == sorted(twenty, key=CRAWL.index)
    assert set(twenty) < set(expand("cc:CC-MAIN-2025-30:40", options=mirror, seed=7))
    assert set(twenty) != set(expand("cc:CC-MAIN-2025-30:20", options=mirror, seed=8))
    assert expand("cc:CC-MAIN-2025-30:1000", options=mirror) == CRAWL
    assert len(expand("cc:CC-MAIN-2025-30:20:warc", options=mirror)) == 20
    # Fixed for ever: another choice would give other data for the same command.
    assert expand("cc:CC-MAIN-2025-30:3", options=mirror) == [CRAWL[n] for n in (17, 89, 96)]


def test_http(faulty_http: FaultyHTTPServer) -> None:
    one = faulty_http.add("/one.wat.gz", b"1")
    faulty_http.add("/crawl-data/CC-MAIN-2025-30/wat.paths.gz", gzip.compress("\n".join(CRAWL).encode()))
    faulty_http.add(f"/{CRAWL[0]}", b"1")
    options = dataclasses.replace(OPTIONS, cc_base=faulty_http.url)
    assert expand(one, one, CRAWL[0], options=options) == [one, CRAWL[0]]
    assert expand("cc:CC-MAIN-2025-30", options=options) == CRAWL
    assert expand("crawl-data/CC-MAIN-2025-30/wat.paths.gz", options=options) == CRAWL
    assert expand(f"{faulty_http.url}/crawl-data/CC-MAIN-2025-30/wat.paths.gz", options=options) == CRAWL
    for spec in (faulty_http.url + "/none", "crawl-data/none", "cc:CC-MAIN-2025-31"):
        with pytest.raises(UserError, match="404"):
            expand(spec, options=options)


def test_a_list_that_breaks_off_is_no_shorter_list(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/l.paths", b"crawl-data/a\ncrawl-data/b\n", [Fault(after=13)])
    with pytest.raises(UserError, match="gave up"):
        expand(url)


def test_s3(s3_server: S3Server) -> None:
    forget_clients()
    names = ("x/b.wat.gz", "x/a.wat", "x/y/c.warc.gz", "x/notes.txt", "x2/d.wat", "x/.e.wat")
    s3_server.put("inputs", dict.fromkeys(names, b"1") | {"x/": b"", "l.paths": b"crawl-data/a\n"})
    options = dataclasses.replace(OPTIONS, s3_endpoint_url=s3_server.url)
    below = ["s3://inputs/x/a.wat", "s3://inputs/x/b.wat.gz", "s3://inputs/x/y/c.warc.gz"]
    assert expand("s3://inputs/x", options=options) == below
    assert expand("s3://inputs/x/", options=options) == below
    assert expand("s3://inputs", options=options) == [*below, "s3://inputs/x2/d.wat"]
    assert expand("s3://inputs/*/*.wat*", options=options) == [
        "s3://inputs/x/.e.wat",
        *below[:2],
        "s3://inputs/x2/d.wat",
    ]
    assert expand("s3://inputs/**/?.warc.gz", "s3a://inputs/x/a.wat", options=options) == [
        below[2],
        "s3a://inputs/x/a.wat",
    ]
    assert expand("s3://inputs/x/notes.txt", "s3://inputs/l.paths", options=options) == [
        "s3://inputs/x/notes.txt",
        "crawl-data/a",
    ]
    for spec in ("s3://inputs/z", "s3://inputs/z/", "s3://inputs/z*", "s3://no-such-bucket/x"):
        with pytest.raises(UserError, match=spec.replace("*", r"\*")):
            expand(spec, options=options)


def test_what_is_secret_is_in_the_address_alone(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    with GuardedHTTPServer("user:p@ss", "versionId=1&X-Amz-Signature=SIGNED") as server:
        for path in ("/a.wat.gz", "/b.wat.gz"):
            server.add(path, b"1")
        server.add("/wat.paths", f"{server.signed('/c.wat.gz')}\n{server.url}/d.wat.gz?token=T\n".encode())
        listed.write_text(f"{server.signed('/b.wat.gz')}\n{server.url}/b.wat.gz?versionId=1&X-Amz-Signature=OTHER\n")
        found = expand_inputs([server.signed("/a.wat.gz"), f"@{listed}", server.signed("/wat.paths")], OPTIONS, 0)
        a, b, c, d = (f"{server.url}/{name}.wat.gz" for name in "abcd")
        assert found.names == [f"{a}?versionId=1", f"{b}?versionId=1", f"{c}?versionId=1", d]
        assert found.addresses == {
            f"{a}?versionId=1": server.signed("/a.wat.gz"),
            f"{b}?versionId=1": server.signed("/b.wat.gz"),
            f"{c}?versionId=1": server.signed("/c.wat.gz"),
            d: f"{d}?token=T",
        }
        assert "SIGNED" not in repr(found)
        assert found.of([d, a]) == {d: f"{d}?token=T"}
        assert found.not_among([f"{b}?versionId=1", server.signed("/a.wat.gz")], OPTIONS) == [f"{c}?versionId=1", d]
        for wrong in (server.signed("/none.wat.gz"), server.signed("/none.paths"), "@" + server.signed("/none")):
            with pytest.raises(UserError, match="404") as caught:
                expand(wrong)
            assert not any(secret in str(caught.value) for secret in ("SIGNED", "p%40ss", "p@ss", "user"))
        with pytest.raises(UserError, match="401"):
            expand(f"{server.url}/a.wat.gz")


def test_an_address_with_a_signature_beats_one_without(faulty_http: FaultyHTTPServer) -> None:
    faulty_http.always = Fault(body=b"1")
    plain, signed = faulty_http.url + "/a.wat", faulty_http.url + "/a.wat?sig=1"
    for specs in ([plain, signed], [signed, plain]):
        assert expand_inputs(specs, OPTIONS, 0).addresses == {plain: signed}


@pytest.mark.parametrize(
    "spec", ["s3://AKIA:SECRET@bucket/a.wat", "s3://AKIA:SE/CRET@bucket/a.wat", "gs://u:SECRET@b/a"]
)
def test_credentials_in_a_buckets_place(folder: Path, spec: str) -> None:
    (folder / "l.txt").write_text(spec)
    for given in (spec, "@l.txt"):
        with pytest.raises(UserError, match="put credentials into") as caught:
            expand(given)
        assert not any(part in str(caught.value) for part in ("SECRET", "SE", "CRET@"))


@pytest.mark.parametrize("spec", ["http://[", "HTTP://[::1", "http://a:b/x.wat", "http://[/x.paths", "@http://["])
def test_no_address_is_a_sentence(spec: str) -> None:
    with pytest.raises(UserError, match="can't be read"):
        expand(spec)


def test_only_files_are_inputs(folder: Path) -> None:
    """Nothing here may be opened: it would wait for a writer that never comes."""
    os.mkfifo(folder / "in" / "pipe.wat")
    (folder / "in" / "link.wat").symlink_to("pipe.wat")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("in/socket.wat")
        assert expand("in") == expand("in/*.wat*", "in/deep/*.*c*") == IN
        (folder / "list.txt").write_text("in/a.wat\nin/pipe.wat\n")
        for spec, message in (
            ("in/pipe.wat", "in/pipe.wat is a pipe"),
            ("in/link.wat", "in/link.wat is a pipe"),
            ("in/socket.wat", "is a socket"),
            ("/dev/null", "is a device"),
            ("@list.txt", "list.txt, line 2: in/pipe.wat is a pipe"),
        ):
            with pytest.raises(UserError, match=message):
                expand(spec)
    with pytest.raises(InputError, match="it is a pipe"):
        open_input("in/pipe.wat", OPTIONS)


def test_a_list_may_come_through_a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    writer = threading.Thread(target=(folder / "pipe").write_text, args=("in/a.wat\n",), daemon=True)
    writer.start()
    assert expand("@pipe") == ["in/a.wat"]
    writer.join()


def test_a_dangling_link_is_an_input_that_will_fail(folder: Path) -> None:
    (folder / "in" / "z.wat").symlink_to("nowhere")
    assert expand("in") == [*IN, "in/z.wat"]


@pytest.mark.parametrize("spec", ["x" * 300, "in/" + "x" * 300 + ".wat", "x\0y", "in/a.wat/b", "loop.wat"])
def test_names_that_can_be_no_files(folder: Path, spec: str) -> None:
    (folder / "loop.wat").symlink_to("loop.wat")
    for given in (spec, f"@{spec}"):
        with pytest.raises(UserError):
            expand(given)
    (folder / "l.txt").write_text(spec)
    with pytest.raises(UserError, match="line 1"):
        expand("@l.txt")


def test_a_file_of_several_names_is_read_once(folder: Path) -> None:
    absolute = str(folder / "in" / "a.wat")
    (folder / "z-link.wat").symlink_to("in/a.wat")
    (folder / "A-link.wat").symlink_to(absolute)
    os.link(folder / "in" / "a.wat", folder / "in" / "hard.wat")
    for specs in (["in/a.wat", "./in/a.wat"], ["z-link.wat", "in/a.wat"], ["in/hard.wat", "in/../in/a.wat"]):
        assert expand(*specs) == ["in/a.wat"]
    assert expand("in/a.wat", absolute) == expand(absolute, "in/a.wat") == [absolute]  # a slash is before letters
    assert expand("z-link.wat", "A-link.wat", "in") == ["A-link.wat", *IN[1:]]
    assert expand("other.wat.gz", "in/a.wat") == ["other.wat.gz", "in/a.wat"]


def test_a_file_that_was_read_under_another_name_is_done(folder: Path) -> None:
    (folder / "link.wat").symlink_to("in/a.wat")
    found = expand_inputs(["in", "other.wat.gz"], OPTIONS, 0)
    assert found.not_among([], OPTIONS) == [*IN, "other.wat.gz"]
    done = ["link.wat", str(folder / "in" / "deep" / "c.warc"), "no/longer/there.wat", "https://a.example/b.wat"]
    assert found.not_among(done, OPTIONS) == [IN[1], IN[3], "other.wat.gz"]
    assert expand_inputs(["link.wat"], OPTIONS, 0).not_among(["in/a.wat"], OPTIONS) == []


def test_a_name_that_is_no_utf_8(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9.wat")
    (folder / "in" / name).write_bytes(b"odd")
    (found,) = set(expand("in")) - set(IN)
    assert found == f"{folder.as_uri()}/in/caf%E9.wat"
    assert expand(f"in/{name}") == expand("in/c*") == expand(found) == [found]
    with open_input(found, OPTIONS) as stream:
        assert stream.read() == b"odd"


@pytest.mark.parametrize("name", ["l.paths", "l.paths.gz"])
def test_a_list_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("metaclip_curate.storage.path_lists._MOST_BYTES", 1000)
    for lines, fits in ((100, True), (200, False)):
        text = b"in/a.wat\n" * lines
        (folder / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
        if fits:
            assert expand(name) == ["in/a.wat"]
        else:
            with pytest.raises(UserError, match="more than 1,000 bytes"):
                expand(name)


@pytest.mark.parametrize("url", ["http://us:SECRETp/q@host/x", "https://u:SEC#RET@h/x", "http://u:SEC?RET@h/x"])
def test_a_password_with_what_must_be_escaped_is_refused(folder: Path, url: str) -> None:
    (folder / "list.txt").write_text(f"in/a.wat\n{url}\n")
    for spec, where in ((url, "An input is no address"), (f"@{url}", "An input"), ("@list.txt", "list.txt, line 2")):
        with pytest.raises(UserError, match=f"^{where}.*: the URL's user or password has .*: write %2F") as caught:
            expand(spec)
        for hidden in ("SEC", "RET", "us:", "u:"):
            assert hidden not in str(caught.value)


def test_folders_hold_pools_too(tmp_path: Path) -> None:
    for name in ("a.parquet", "x/1.tar", "x/1.parquet", "x/2.parquet", "b.jsonl.gz", "_delta_log/0.parquet", ".c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = expand_inputs([str(tmp_path)], StorageOptions(), 0)
    # img2dataset's table beside a shard has the same samples.
    below = ["a.parquet", "b.jsonl.gz", "x/1.tar", "x/2.parquet"]
    assert found.names == [f"{tmp_path}/{name}" for name in below]
    assert found.below == {f"{tmp_path}/{name}": name for name in below}
    assert expand_inputs([f"{tmp_path}/x/*.parquet"], StorageOptions(), 0).below == {
        f"{tmp_path}/x/{name}": name for name in ("1.parquet", "2.parquet")
    }
    assert expand_inputs([f"{tmp_path}/x/1.tar"], StorageOptions(), 0).below == {}
