"""Rebalancing with screens of images, on a made download that has an image for each reason."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from metaclip_curate.errors import UserError
from metaclip_curate.images.fingerprint import picture_hash
from metaclip_curate.images.fingerprint_download import fingerprint_download
from metaclip_curate.inspect.explain import Explainer
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.options.image_screens import ImageScreenOptions
from metaclip_curate.options.images import FingerprintOptions
from metaclip_curate.options.rebalance import RebalanceOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.pipelines.image_screening import ImageScreening
from metaclip_curate.pipelines.options import Options
from metaclip_curate.pipelines.rebalance import Rebalancing
from metaclip_curate.pipelines.removal import Remover
from metaclip_curate.run.funnel import funnel
from metaclip_curate.run.summaries import MatchSummary
from metaclip_curate.screens.reasons import IMAGE_REASONS, REASON_NAMES
from metaclip_curate.screens.removed import Removal
from metaclip_curate.storage import StorageOptions
from tests.support import made_run, runs
from tests.support.onnx_models import write_model
from tests.support.pictures import encoded, picture, write_download

NEAR, LEFT = range(4, 8), range(10, 30)
REASON_OF = {0: "unreadable", 1: "image_list", 2: "image_list", 3: "size", 8: "benchmark", 9: "classifier"}


def image_of(number: int) -> bytes:
    if number == 0:
        return encoded(picture(0))[:3000]
    if number == 3:
        return encoded(picture(3, (90, 30)))
    if number in NEAR:
        return encoded(picture(4), quality=95 - number)
    if number == 9:
        return encoded(Image.new("RGB", (64, 64), (0, 0, 255)), "PNG")
    return encoded(picture(number))


def rebalancing(tmp_path: Path, options: ImageScreenOptions, lines: list[str]) -> Rebalancing:
    run = FinishedRun(str(tmp_path / "run"), "sample", StorageOptions(), RunOptions())
    new = Options(run=RunOptions(output=str(tmp_path / "again")))
    return Rebalancing(run, RebalanceOptions((str(tmp_path / "images"),)), new, "", lines.append, options)


def write_lists(tmp_path: Path) -> ImageScreenOptions:
    (tmp_path / "sha.txt").write_text(hashlib.sha256(image_of(1)).hexdigest() + "\n")
    (tmp_path / "pdq.txt").write_text(f"{picture_hash(encoded(picture(2), quality=60)).pdq},100\n")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "one.png").write_bytes(encoded(picture(8, (300, 240)).resize((160, 128)), "PNG"))
    model = write_model(tmp_path / "model.onnx", metadata={"labels": "red,green,blue"})
    lists = [f"{kind}={tmp_path / name}" for kind, name in (("sha256", "sha.txt"), ("pdq:31", "pdq.txt"))]
    return ImageScreenOptions(
        image_list=(*lists, f"md5={tmp_path / 'empty.txt'}"),
        min_side=40,
        near_duplicates=31,
        benchmark=(str(tmp_path / "val"),),
        classifier=model,
        label="blue",
        above=0.99,
    )


@pytest.mark.slow
@pytest.mark.usefixtures("spark")
def test_each_reason_and_what_is_known_of_it(tmp_path: Path) -> None:
    manifest = made_run.write_run(tmp_path / "run", made_run.matched_rows(images=30, seed=3), t=10**6)["manifest"]
    number_of = {row["image_id"]: int(row["url"].rpartition("/")[2][:-4]) for row in manifest}
    images: list[tuple[dict[str, Any], bytes | None]] = [
        (row, image_of(number_of[row["image_id"]])) for row in manifest
    ]
    images[-1] = (images[-1][0], None)  # a pair whose image wasn't fetched
    write_download(tmp_path / "images", images, a_shard=20)
    options = write_lists(tmp_path)
    with pytest.raises(UserError, match=r"parquet is missing: run `metaclip-curate images fingerprint --downloaded"):
        rebalancing(tmp_path, options, []).count()
    fingerprint_download(FingerprintOptions(str(tmp_path / "images")), StorageOptions(), lambda line: None)
    lines: list[str] = []
    made = rebalancing(tmp_path, options, lines)
    losses = made.count()

    near = {number: min(r["uid"] for r, _ in images if number_of[r["image_id"]] == number) for number in NEAR}
    stays = min(near, key=lambda number: near[number])
    expected = REASON_OF | {number: "near_duplicate" for number in NEAR if number != stays}
    reasons = {row["uid"]: expected.get(number_of[row["image_id"]], "") for row, data in images if data is not None}
    screened = {row["uid"]: row for row in runs.table(tmp_path / "again", "screened")}
    assert {uid: row["reason"] for uid, row in screened.items()} == {uid: r for uid, r in reasons.items() if r}
    assert {row["uid"] for row in runs.table(tmp_path / "again", "matched")} == {u for u, r in reasons.items() if not r}
    counts = {reason: list(reasons.values()).count(reason) for reason in IMAGE_REASONS}
    assert all(counts.values())
    assert losses.lost == {"failed_to_download": 1} | counts
    assert made.folder.summary(MatchSummary).screened == counts
    steps = {step.key: (step.name, step.value) for step in funnel(made.folder, ["extract", "dedup", "match"]).steps}
    assert steps["lost_benchmark"] == (REASON_NAMES["benchmark"], counts["benchmark"])
    assert any("empty.txt is empty and rejects nothing" in line for line in lines)
    assert not any("weren't compared" in line for line in lines)

    made.draw()
    explained = {}
    for uid, row in screened.items():
        [found] = Explainer(made.folder, ExplainOptions(uid=uid)).explain()
        assert (found.reason, found.kept, found.text) == (row["reason"], False, row["text"])
        explained[number_of[row["image_id"]]] = found.verdict
    assert explained[1] == "rejected: with a listed image (screen image_list: sha256 in sha.txt)"
    assert explained[3].endswith("(screen size: 90 x 30 pixels)")
    assert explained[8].endswith("bits from val/one.png)")
    assert explained[9].endswith("(screen classifier: blue 1)")
    other = next(number for number in NEAR if number != stays)
    assert explained[other].endswith(f"bits from the image of {near[stays]})")

    # The same command doesn't look again, and other screens are refused.
    lines.clear()
    assert rebalancing(tmp_path, options, lines).count() == losses
    assert lines == ["rebalance: the downloaded pairs were found before"]
    with pytest.raises(UserError, match="--min-side 40, and the command says 41"):
        rebalancing(tmp_path, ImageScreenOptions(**{**vars(options), "min_side": 41}), []).count()
    (tmp_path / "sha.txt").write_text("0" * 64)
    with pytest.raises(UserError, match=r"--image-list sha256=sha\.txt with the digest"):
        rebalancing(tmp_path, options, []).count()

    # A removal takes the texts of rejected pairs along.
    gone = next(row for row in screened.values() if row["reason"] == "near_duplicate")
    removed = Remover(made.folder, lambda line: None).remove([Removal("url", gone["url"])], "asked for", purge=True)
    assert removed.purged["screened"] == sum(row["url"] == gone["url"] for row in screened.values())
    assert gone["url"] not in {row["url"] for row in runs.table(tmp_path / "again", "screened")}


def test_nothing_is_written_where_something_that_was_given_is_wrong(tmp_path: Path) -> None:
    manifest = made_run.write_run(tmp_path / "run", made_run.matched_rows(images=3, seed=3), t=10**6)["manifest"]
    write_download(tmp_path / "images", [(row, encoded(picture(1))) for row in manifest])
    (tmp_path / "list.txt").write_text("0" * 63)
    listed = (f"sha256={tmp_path / 'list.txt'}",)
    for options, message in (
        (ImageScreenOptions(min_side=40), r"parquet is missing: run `metaclip-curate images fingerprint --downloaded"),
        (
            ImageScreenOptions(image_list=listed),
            r"list\.txt:1 has '0+', of 63 characters",
        ),
        (ImageScreenOptions(benchmark=(str(tmp_path / "images"),)), "has no images"),
    ):
        with pytest.raises(UserError, match=message):
            rebalancing(tmp_path, options, [])
        assert not (tmp_path / "again").exists()


def test_mistakes_are_found_before_anything_is_read(tmp_path: Path) -> None:
    def digests(**given: Any) -> dict[str, str]:
        return ImageScreening(ImageScreenOptions(**given), ["images"], StorageOptions(), print).digests

    (tmp_path / "list.txt").write_text(f"{'0' * 64}\nno hash\n")
    with pytest.raises(UserError, match=r"list\.txt:2 has 'no', which is no sha256 hash"):
        digests(image_list=(f"sha256={tmp_path / 'list.txt'}",))
    with pytest.raises(UserError, match=r"gone\.txt can't be read"):
        digests(image_list=(f"sha256={tmp_path / 'gone.txt'}",))
    with pytest.raises(UserError, match="has no images"):
        digests(benchmark=(str(tmp_path),))
    with pytest.raises(UserError, match="--fingerprints names 2 folders and --downloaded 1"):
        digests(fingerprints=("a", "b"))
    (tmp_path / "model.onnx").write_bytes(b"")
    given = ImageScreenOptions(classifier=str(tmp_path / "model.onnx"), label="a", above=0.5)
    with pytest.raises(UserError, match=r"model\.onnx can't be loaded as an ONNX model"):
        _ = ImageScreening(given, ["images"], StorageOptions(), print).recorded
