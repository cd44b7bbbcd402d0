"""Small pictures of a made download."""

from __future__ import annotations

import io
from collections.abc import Collection
from pathlib import Path

import pytest
from PIL import Image

from metaclip_curate.errors import UserError
from metaclip_curate.images.thumbnails import thumbnails
from metaclip_curate.storage import StorageOptions
from tests.support import made_run
from tests.support.pictures import encoded, picture, write_download

ROWS = made_run.matched_rows(images=8, seed=1)[:8]
# Two failed downloads, and a file that isn't whole.
DATA = [encoded(picture(number)) if number % 4 else None for number in range(7)] + [encoded(picture(9))[:900]]


def everything(uids: Collection[str]) -> Collection[str]:
    return uids


@pytest.mark.parametrize("form", ["tar", "jpg"])
def test_pictures_of_whole_images(tmp_path: Path, form: str) -> None:
    write_download(tmp_path, list(zip(ROWS, DATA, strict=True)), a_shard=3, form=form)
    found = thumbnails(str(tmp_path), StorageOptions(), everything)
    assert {each.uid for each in found} == {ROWS[number]["uid"] for number in (1, 2, 3, 5, 6)}
    for each in found:
        with Image.open(io.BytesIO(each.jpeg)) as image:
            assert image.size == (each.width, each.height) == (160, 128)
        assert len(each.jpeg) < 8_000
    some = thumbnails(str(tmp_path), StorageOptions(), everything, most=3)
    assert len(some) == 3
    assert some == thumbnails(str(tmp_path), StorageOptions(), everything, most=3)


def test_only_pictures_that_may_be_shown(tmp_path: Path) -> None:
    write_download(tmp_path, list(zip(ROWS, DATA, strict=True)))
    shown = thumbnails(str(tmp_path), StorageOptions(), lambda uids: {ROWS[2]["uid"]} & set(uids))
    assert [each.uid for each in shown] == [ROWS[2]["uid"]]
    with pytest.raises(UserError, match="has no image of this run's manifest: name the folder of its download"):
        thumbnails(str(tmp_path), StorageOptions(), lambda uids: ())
