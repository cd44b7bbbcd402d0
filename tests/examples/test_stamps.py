"""The stamps' captions, and pages about them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from examples.stamps import __main__ as command
from examples.stamps import collection, web
from examples.stamps.collection import Stamp
from metaclip_curate.errors import UserError
from metaclip_curate.extract.read_pairs import read_pairs


def made_stamps(number: int) -> list[Stamp]:
    languages = web.LANGUAGES
    return [
        Stamp(Path(f"{place}.png"), {language: f"{language} thing{place} of these." for language in languages})
        for place in range(number)
    ]


def test_reading(tmp_path: Path) -> None:
    def write(name: str, text: str | None) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".png").write_bytes(b"")
        if text is not None:
            path.with_suffix(".txt").write_text(text, "utf-8")

    write("animals/fox", "A fox.\nde.utf8=Ein Fuchs.\nja.utf8=きつね\nfr.utf8=\npt_BR.utf8=Uma raposa.\n")
    write("animals/fox2", "A fox.\n")
    write("animals/silent", None)
    write("animals/empty", "")
    write("symbols/a", "Capital A\n")
    (tmp_path / "animals" / "drawn.txt").write_text("A drawing without a PNG file.\n")
    fox = {"en": "A fox.", "de": "Ein Fuchs.", "ja": "きつね", "pt_BR": "Uma raposa."}
    assert collection.read_stamps(tmp_path) == [Stamp(tmp_path / "animals" / "fox.png", fox)]
    with pytest.raises(UserError, match="has no stamps"):
        collection.read_stamps(tmp_path / "nowhere")


def test_where_they_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(collection, "_INSTALLED", Path("/nowhere"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.main(["pages", str(tmp_path / "out")]) == 2
    assert "Debian's tuxpaint-stamps-default is needed: install it" in capsys.readouterr().err
    (tmp_path / "apt-get").write_text("#!/bin/sh\necho 'E: no network' >&2\nexit 100\n")
    (tmp_path / "apt-get").chmod(0o755)
    (tmp_path / "dpkg-deb").symlink_to("/bin/true")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert command.main(["pages", str(tmp_path / "out")]) == 2
    assert "failed (E: no network): try apt-get update" in capsys.readouterr().err


@pytest.mark.slow
def test_pages_have_a_skew_and_the_pipeline_reads_them(tmp_path: Path) -> None:
    stamps = made_stamps(50)
    drawn = web.write_web(stamps, 2000, "http://127.0.0.1:1", 0, tmp_path)
    assert drawn == web.plan(stamps, 2000, 0) != web.plan(stamps, 2000, 1)
    frequency = sorted(drawn.frequency, reverse=True)
    assert sum(frequency) == 2000
    # 1 / r over 50 ranks: the first has 22 % of the images.
    assert frequency[0] == pytest.approx(2000 / 4.499, rel=0.1)
    assert frequency[9] == pytest.approx(2000 / 44.99, rel=0.4)
    batches = list(read_pairs(str(tmp_path / "stamps.warc.wat.gz")))
    rows = pa.Table.from_batches(batches).to_pylist()
    assert len(rows) == 2000
    of_url = {row["url"]: row["text"] for row in rows}
    right = 0
    for image, subject in enumerate(drawn.subjects):
        text = of_url[f"http://127.0.0.1:1/{subject}/{image}.jpg"]
        right += f"thing{subject} " in text
    assert right / 2000 == pytest.approx(0.75 + 0.05 / 8, abs=0.03)  # the others are noise, or of another image
    languages = Counter(text.split()[0] for text in of_url.values() if " thing" in text)
    assert languages["en"] / sum(languages.values()) == pytest.approx(0.4, abs=0.08)
    assert set(languages) <= set(web.LANGUAGES)


def test_metadata(tmp_path: Path) -> None:
    assert web.write_metadata([Stamp(Path("a.png"), {"en": "A red fox.", "ja": "きつね。"})], tmp_path) == 4
    assert (tmp_path / "en.json").read_text("utf-8") == '["A red fox", "red", "fox"]'
    assert (tmp_path / "ja.json").read_text("utf-8") == '["きつね"]'
