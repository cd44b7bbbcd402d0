"""Pictures of a report: of kept pairs only, though a download can have others."""

from __future__ import annotations

from pathlib import Path

from metaclip_curate.pipelines.report import pictures
from metaclip_curate.run.folder import RunFolder
from tests.support import made_run
from tests.support.pictures import encoded, picture, write_download


def test_pictures_of_kept_pairs(tmp_path: Path) -> None:
    rows = made_run.write_run(tmp_path / "run", made_run.matched_rows(images=40, seed=2), t=3)
    kept = {row["uid"]: row for row in rows["manifest"]}
    dropped = [row for row in rows["matched"] if row["uid"] not in kept]
    data = encoded(picture(1))
    write_download(tmp_path / "images", [(row, data) for row in [*rows["manifest"][:3], *dropped[:3]]])
    found = pictures(RunFolder(str(tmp_path / "run")), str(tmp_path / "images"))
    assert len(dropped) >= 3
    assert {each.uid for each in found} == {row["uid"] for row in rows["manifest"][:3]}
    for each in found:
        assert each.text == kept[each.uid]["text"]
        assert each.data.startswith("data:image/jpeg;base64,")
