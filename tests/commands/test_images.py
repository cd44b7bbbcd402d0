"""metaclip-curate images: what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metaclip_curate.cli import main
from tests.support import made_run
from tests.support.pictures import encoded, picture, write_download


def test_fingerprint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = made_run.matched_rows(images=3, seed=1)[:3]
    write_download(tmp_path / "images", [(rows[0], encoded(picture(0))), (rows[1], b"x"), (rows[2], None)])
    command = ["images", "fingerprint", "--downloaded", str(tmp_path / "images")]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "no image format that Pillow knows" in printed
    assert "1 of 1 shards read, 2 images, 1 can't be decoded" in printed
    assert main([*command, "--json"]) == 0
    captured = capsys.readouterr()
    assert "1 of 1 shards were done before" in captured.err
    found = json.loads(captured.out)
    assert (found["images"], found["broken"]) == (2, {"no image format that Pillow knows": 1})


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["images", "fingerprint"]) == 2
    assert "--downloaded is missing" in capsys.readouterr().err
    assert main(["images", "fingerprint", "--downloaded", str(tmp_path), "--processes", "-1"]) == 2
    assert "--processes must be at least 0" in capsys.readouterr().err
