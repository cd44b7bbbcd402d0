"""The page of explore in a process of its own: requests of any kind, Chromium, and how it ends."""

from __future__ import annotations

import http.client
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.cli import main
from tests.commands.test_json import FORMS, faults
from tests.support import made_run, oracle
from tests.support.finished_runs import contents

for package in ("duckdb", "starlette", "uvicorn"):
    pytest.importorskip(package)
pytestmark = pytest.mark.slow
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)> \u202egnp.exe"
# The smallest PNG of one pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)


class Served(NamedTuple):
    """A process that serves a run, and the uids of pairs with markup, with an image, and with an SVG for one."""

    process: subprocess.Popen[str]
    port: int
    first: dict[str, Any]
    marked: str
    pictured: str
    scripted: str

    def get(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
        connection.close()
        return answer.status, body, {name.lower(): value for name, value in answer.getheaders()}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    rows = made_run.matched_rows(images=200, seed=5)
    rows[0]["text"] = MARKUP
    rows[0]["uid"] = oracle.uid_of(rows[0]["url"], MARKUP)
    screened = [{"uid": row["uid"], "metadata_lang": "", "reason": "words"} for row in rows[1:5]]
    tables = made_run.write_run(folder / "run", [rows[0], *rows[10:]], t=10, others=rows[1:10], screened=screened)
    kept = [row["uid"] for row in tables["manifest"]]
    (folder / "images").mkdir()
    stored = {"000": PNG, "001": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}
    with tarfile.open(folder / "images" / "00000.tar", "w") as tar:
        for key, data in stored.items():
            member = tarfile.TarInfo(f"{key}.png")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    table = pa.table({"uid": kept[:3], "key": ["000", "001", "002"], "status": ["success", "success", "failed"]})
    pq.write_table(table, folder / "images" / "00000.parquet")
    (folder / "tmp").mkdir()
    before = contents(folder)
    words = ["explore", "--run", str(folder / "run"), "--images", str(folder / "images"), "--port", "0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "metaclip_curate", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
    )
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(5)]
    first = json.loads("".join(lines))
    temporary = {path.name for path in (folder / "tmp").glob("*/*")}
    yield Served(process, int(first["address"].split(":")[2].strip("/")), first, rows[0]["uid"], kept[0], kept[1])
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, json.loads(out)["status"]) == (130, 130)
    assert errors.splitlines()[-1] == "metaclip-curate: interrupted"
    assert "Traceback" not in errors
    assert contents(folder) == before
    assert "pairs.duckdb" in temporary
    assert list((folder / "tmp").iterdir()) == []


def test_what_is_printed_first(served: Served) -> None:
    assert faults(FORMS["explore"], served.first) == []
    assert served.first["address"].startswith("http://127.0.0.1:")


def test_texts_are_shown_and_never_run(served: Served) -> None:
    status, body, headers = served.get(f"/?uid={served.marked}")
    assert status == 200
    assert "&lt;script&gt;alert(1)" in body
    assert "<script" not in body and "<img src=x" not in body
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy and "frame-ancestors 'none'" in policy
    status, body, _ = served.get(f"/?text={quote(chr(34) + '><script>')}")
    assert status == 200 and "<script" not in body
    assert "://" not in body.replace(str(served.first["address"]), "").split("<main>")[0]


def test_sentences_about_what_was_found_are_apart(served: Served) -> None:
    for asked, sentence in (("entry=nothing", "case count."), ("text=nothing", "of these."), ("", "random order.")):
        assert re.search(rf"{sentence} \d+\.\d\d seconds\.", served.get(f"/?{asked}")[1]), asked


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "0.0.0.0", "[::1]"])
def test_other_names_of_this_computer_are_refused(served: Served, host: str) -> None:
    for path in ("/", f"/image/{served.pictured}", "/explore.css"):
        status, body, _ = served.get(path, Host=host)
        assert status == 400
        assert served.pictured not in body
    assert served.get("/", Host=f"localhost:{served.port}")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../run.json",
        "/image/../../run.json",
        "/image/..%2f..%2frun.json",
        "/image/%00",
        "/run.json",
        "/image/" + "0" * 32,
    ],
)
def test_no_path_leads_to_a_file(served: Served, path: str) -> None:
    status, body, _ = served.get(path)
    assert status == 404
    assert "stages" not in body


@pytest.mark.parametrize(
    "query",
    ["text=" + "a" * 2000, "uid=%27", "fate=nothing", "host=a%00b", "after=zz", "text=a%0ab", "language=" + "x" * 1500],
)
def test_values_that_nothing_can_have_are_named(served: Served, query: str) -> None:
    status, body, _ = served.get(f"/?{query}")
    assert status == 400
    assert 'role="alert"' in body


@pytest.mark.parametrize(
    "query", ["text=%27%3B%20DROP%20TABLE%20pairs%3B--", "text=(.*%2B%5B", "text=%25", "nonsense=1", "text=%ff"]
)
def test_any_text_is_searched_as_it_is(served: Served, query: str) -> None:
    assert served.get(f"/?{query}")[0] == 200
    assert served.get("/")[0] == 200


def test_a_browser_that_asks_for_an_icon_gets_no_error(served: Served) -> None:
    assert served.get("/favicon.ico")[:2] == (204, "")


def test_images_are_given_to_this_page_alone(served: Served) -> None:
    status, _, headers = served.get(f"/image/{served.pictured}")
    assert (status, headers["content-type"]) == (200, "image/png")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert served.get(f"/image/{served.pictured}", **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert served.get(f"/image/{served.scripted}")[0] == 404  # an SVG under another name


def test_a_port_in_use_is_one_sentence(served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=20, seed=7))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["explore", "--run", str(tmp_path / "run"), "--port", port]) == 2
    assert f"--port {port} can't be opened (Address already in use): give another one" in capsys.readouterr().err


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run = str(tmp_path / "run")
    assert main(["explore", "--run", run]) == 2
    assert "has no finished stage extract" in capsys.readouterr().err
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=20, seed=7))
    for words, message in (
        (["--images", str(tmp_path)], "has no shards: name the folder that"),
        (["--images", "s3://bucket/images"], "isn't on this computer"),
        (["--port", "70000"], "--port must be at most 65535"),
        (["--pairs", "0"], "--pairs must be at least 1"),
    ):
        assert main(["explore", "--run", run, *words]) == 2
        assert message in capsys.readouterr().err
    for module in ("duckdb", "starlette", "uvicorn"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            assert main(["explore", "--run", run, "--port", "0"]) == 2
        assert f"explore needs {module}: run `pip install --editable '.[explore]'`" in capsys.readouterr().err


def violations(page: Any) -> list[str]:
    """The rules of axe-core that a page breaks; none where axe isn't installed."""
    if importlib.util.find_spec("axe_playwright_python") is None:
        return []
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_chromium(served: Served, width: int, scheme: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium on this machine: Debian's package is chromium")
    address = str(served.first["address"])
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        requests: list[str] = []
        complaints: list[str] = []
        refused: set[str] = set()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("response", lambda answer: refused.add(answer.url) if answer.status >= 400 else None)
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(f"{address}?uid={served.marked}")
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        # By the keyboard alone: from the skip link through the fields.
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
        page.get_by_label("Text", exact=True).fill("text 0")
        page.keyboard.press("Enter")
        page.wait_for_url("**text=text+0**")
        assert page.get_by_label("Text", exact=True).input_value() == "text 0"
        page.get_by_label("State").select_option("kept")
        page.get_by_role("button", name="Search").click()
        assert page.locator("article").count() > 0
        page.goto(f"{address}?uid={served.pictured}")
        image = page.locator("article img")
        assert "blur" in image.evaluate("image => getComputedStyle(image).filter")
        assert violations(page) == []
        page.get_by_label("Show image 1 clearly").check()
        assert image.evaluate("image => getComputedStyle(image).filter") == "none"
        page.get_by_role("link", name="entry").first.click()
        page.wait_for_url("**entry=**")
        page.goto(f"{address}?host={quote('https://images.example/x.jpg')}")
        assert page.locator("article").count() > 0
        page.goto(f"{address}?language=xx")
        assert "no pairs of a language 'xx'" in page.locator("#results").inner_text()
        page.goto(f"{address}?fate=screened:words")
        assert not page.locator("details .text").first.is_visible()
        page.locator("summary").first.press("Enter")
        assert page.locator("details .text").first.is_visible()
        # The picture that is an SVG isn't shown, which Chromium reports. It reports nothing else.
        assert refused <= {f"{address}image/{served.scripted}"}
        assert [each for each in complaints if "404" not in each] == []
        assert all(url.startswith(address) for url in requests)
        browser.close()
