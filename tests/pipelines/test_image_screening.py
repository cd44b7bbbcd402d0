"""Rebalancing with screens of images, on a made download that has an image for each reason."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pyspark.sql import SparkSession

from metaclip_curate.errors import UserError
from metaclip_curate.images.fingerprint import picture_hash
from metaclip_curate.images.fingerprint_download import fingerprint_download
from metaclip_curate.inspect.explain import Explainer
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.options.fates import FatesOptions
from metaclip_curate.options.image_screens import ImageScreenOptions
from metaclip_curate.options.images import FingerprintOptions
from metaclip_curate.options.rebalance import RebalanceOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.comparison import compare_runs
from metaclip_curate.pipelines.fates import find_fates
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.pipelines.image_screening import ImageScreening
from metaclip_curate.pipelines.options import Options
from metaclip_curate.pipelines.rebalance import Rebalancing
from metaclip_curate.pipelines.removal import Remover
from metaclip_curate.publish.datacard import build_datacard, read_datacard
from metaclip_curate.publish.datacard_readme import datacard_readme
from metaclip_curate.report.page import render
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import funnel
from metaclip_curate.run.stages import STAGES
from metaclip_curate.run.summaries import DownloadLosses, MatchSummary, SampleSummary
from metaclip_curate.run.tables import open_table
from metaclip_curate.schemas import SCREENED_IMAGES
from metaclip_curate.screens.reasons import IMAGE_REASONS, REASON_NAMES
from metaclip_curate.screens.removed import Removal
from metaclip_curate.stages.report.facts import Gatherer
from metaclip_curate.stages.report.screened import rejected_reasons
from metaclip_curate.stages.shared.passes import ArrowPasses
from metaclip_curate.storage import StorageOptions
from tests.support import made_run, runs
from tests.support.finished_runs import opened
from tests.support.onnx_models import write_model
from tests.support.pictures import encoded, picture, write_download

Rows = list[dict[str, Any]]
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


class Screened(NamedTuple):
    """A made run that was rebalanced with a screen for each reason.

    Attributes:
        folder: The folder with the run, its download and the new run `again`.
        options: The screens.
        manifest: The rows of the run's manifest.
        losses: What the rebalancing counted.
        reasons: The expected reason of each pair with an image, empty if it passes.
        lines: What was logged.
    """

    folder: Path
    options: ImageScreenOptions
    manifest: Rows
    losses: DownloadLosses
    reasons: dict[str, str]
    lines: list[str]

    @property
    def again(self) -> RunFolder:
        return RunFolder(str(self.folder / "again"))

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["uid"]: row for row in runs.table(self.folder / "again", "screened")}


def number_of(row: dict[str, Any]) -> int:
    return int(row["url"].rpartition("/")[2][:-4])


def staying(rows: Rows) -> str:
    """The uid of the one of near duplicates that stays."""
    return min(str(row["uid"]) for row in rows if number_of(row) in NEAR)


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Screened:
    folder = tmp_path_factory.mktemp("screened")
    manifest = made_run.write_run(folder / "run", made_run.matched_rows(images=30, seed=3), t=10**6)["manifest"]
    images: list[tuple[dict[str, Any], bytes | None]] = [(row, image_of(number_of(row))) for row in manifest]
    images[-1] = (images[-1][0], None)  # a pair whose image wasn't fetched
    write_download(folder / "images", images, a_shard=20)
    options = write_lists(folder)
    with pytest.raises(UserError, match=r"parquet is missing: run `metaclip-curate images fingerprint --downloaded"):
        rebalancing(folder, options, []).count()
    fingerprint_download(FingerprintOptions(str(folder / "images")), StorageOptions(), lambda line: None)
    source = RunFolder(str(folder / "run"))
    source.finish("match", replace(source.summary(MatchSummary), screened_before={"host": 7}))
    lines: list[str] = []
    made = rebalancing(folder, options, lines)
    losses = made.count()
    made.draw()
    fetched = [row for row, data in images if data is not None]
    stays = next(number_of(row) for row in fetched if row["uid"] == staying(fetched))
    expected = REASON_OF | {number: "near_duplicate" for number in NEAR if number != stays}
    reasons = {row["uid"]: expected.get(number_of(row), "") for row in fetched}
    return Screened(folder, options, manifest, losses, reasons, lines)


def test_each_reason_is_counted(screened: Screened) -> None:
    reasons = screened.reasons
    assert {uid: row["reason"] for uid, row in screened.rows.items()} == {uid: r for uid, r in reasons.items() if r}
    matched = runs.table(screened.folder / "again", "matched")
    assert {row["uid"] for row in matched} == {uid for uid, reason in reasons.items() if not reason}
    counts = {reason: list(reasons.values()).count(reason) for reason in IMAGE_REASONS}
    assert all(counts.values())
    assert screened.losses.lost == {"failed_to_download": 1} | counts
    assert screened.again.summary(MatchSummary).screened == counts
    steps = {step.key: (step.name, step.value) for step in funnel(screened.again, STAGES).steps}
    assert steps["lost_benchmark"] == (REASON_NAMES["benchmark"], counts["benchmark"])
    assert steps["screened_host"] == (REASON_NAMES["host"], 7)
    assert any("empty.txt is empty and rejects nothing" in line for line in screened.lines)
    assert not any("weren't compared" in line for line in screened.lines)


def test_each_reason_is_explained(screened: Screened) -> None:
    explained = {}
    for uid, row in screened.rows.items():
        [found] = Explainer(screened.again, ExplainOptions(uid=uid)).explain()
        assert (found.reason, found.kept, found.text) == (row["reason"], False, row["text"])
        explained[number_of(row)] = found.verdict
    assert explained[1] == "rejected: with a listed image (screen image_list: sha256 in sha.txt)"
    assert explained[3].endswith("(screen size: 90 x 30 pixels)")
    assert explained[8].endswith("bits from val/one.png)")
    assert explained[9].endswith("(screen classifier: blue 1)")
    fetched = [row for row in screened.manifest if row["uid"] in screened.reasons]
    near = next(number_of(row) for row in screened.rows.values() if row["reason"] == "near_duplicate")
    assert explained[near].endswith(f"bits from the image of {staying(fetched)})")


def test_the_report_shows_each_reason_and_safely_no_text(screened: Screened) -> None:
    passes = ArrowPasses(partial(open_table, screened.again))
    facts = Gatherer(screened.again, STAGES, passes, safe=True).facts()
    assert facts.screened
    counts = Counter(reason for reason in screened.reasons.values() if reason)
    assert {each.reason: each.pairs for each in facts.screened.reasons} == counts
    page = render(facts, drawing="").decode()
    section = page.partition('<section id="kept-out">')[2].partition("</section>")[0]
    assert f"{counts.total()} of {len(screened.reasons)} pairs with a downloaded image" in section
    assert "screens had rejected pairs: 7 from a listed host." in section
    assert section.count("<summary>Examples ") == len(counts)
    texts = {row["text"] for row in screened.rows.values()} - {
        row["text"] for row in runs.table(screened.folder / "again", "matched")
    }
    assert texts and not any(f">{text}<" in page for text in texts)

    table = ("match", "screened", SCREENED_IMAGES)
    shown = {each.reason: each for each in rejected_reasons((passes, passes), (table, table), counts, safe=False)}
    assert {reason for reason, each in shown.items() if each.blurred} == {"image_list", "classifier"}
    for reason, each in shown.items():
        assert each.examples
        assert all(screened.rows[pair.uid]["text"] == pair.text for pair in each.examples), reason


def test_fates_comparison_and_data_card_have_the_reasons(screened: Screened) -> None:
    counts = Counter(reason for reason in screened.reasons.values() if reason)
    after = opened(screened.folder / "again", "sample")
    found = find_fates(after, FatesOptions())
    assert (found.screened, found.pairs) == (counts, len(screened.reasons))
    assert found.lost == {"failed_to_download": 1}

    card = read_datacard(screened.again)
    assert card["screened"] == {"host": 7, **counts}
    readme = datacard_readme(card, funnel(screened.again, STAGES), "x", "out")
    for reason, pairs in card["screened"].items():
        assert f"| {REASON_NAMES[reason]} | {pairs} |" in readme
    assert "`--image-list sha256=sha.txt` with the SHA-256 " in readme
    assert "`--benchmark val` with the SHA-256 " in readme

    before = opened(screened.folder / "run", "sample")
    languages = before.folder.summary(SampleSummary).languages
    provenance = {"command": "", "spark": "", "metadata": ""}
    card = build_datacard(before.folder, languages, provenance)
    (screened.folder / "run" / "datacard.json").write_text(json.dumps(card))
    compared = compare_runs(before, after, examples=3)
    values = {each.name: (each.before, each.after) for each in compared.differences}
    assert values["screened.size"] == (None, counts["size"])
    assert values["options.match.min_side"] == (None, 40)
    assert values["download.lost.benchmark"] == (None, counts["benchmark"])
    assert "screened.host" not in values  # rejected before either manifest
    kept = {row["uid"] for row in runs.table(screened.folder / "again", "manifest")}
    assert sum(change.lost for change in compared.languages) == len(screened.manifest) - len(kept)
    assert sum(change.both for change in compared.languages) == len(kept)


def test_the_same_command_does_not_look_again_and_other_screens_are_refused(screened: Screened) -> None:
    lines: list[str] = []
    assert rebalancing(screened.folder, screened.options, lines).count() == screened.losses
    assert lines == ["rebalance: the downloaded pairs were found before"]
    with pytest.raises(UserError, match="--min-side 40, and the command says 41"):
        rebalancing(screened.folder, replace(screened.options, min_side=41), []).count()
    listed = screened.folder / "sha.txt"
    content = listed.read_text()
    listed.write_text("0" * 64)
    try:
        with pytest.raises(UserError, match=r"--image-list sha256=sha\.txt with the digest"):
            rebalancing(screened.folder, screened.options, []).count()
    finally:
        listed.write_text(content)


def test_a_removal_takes_the_texts_of_rejected_pairs_along(screened: Screened, tmp_path: Path) -> None:
    shutil.copytree(screened.folder / "again", tmp_path / "again")
    gone = next(row for row in screened.rows.values() if row["reason"] == "size")
    remover = Remover(RunFolder(str(tmp_path / "again")), lambda line: None)

    def shown() -> set[str]:
        folder = RunFolder(str(tmp_path / "again"))
        facts = Gatherer(folder, STAGES, ArrowPasses(partial(open_table, folder))).facts()
        return {pair.uid for each in facts.screened.reasons for pair in each.examples} if facts.screened else set()

    assert gone["uid"] in shown()
    remover.remove([Removal("url", gone["url"])], "asked for", purge=False)
    assert shown() and gone["uid"] not in shown()
    removed = remover.remove([], "", purge=True)
    assert removed.purged["screened"] == sum(row["url"] == gone["url"] for row in screened.rows.values())
    assert gone["url"] not in {row["url"] for row in runs.table(tmp_path / "again", "screened")}


def test_nothing_is_written_where_something_that_was_given_is_wrong(tmp_path: Path) -> None:
    manifest = made_run.write_run(tmp_path / "run", made_run.matched_rows(images=3, seed=3), t=10**6)["manifest"]
    write_download(tmp_path / "images", [(row, encoded(picture(1))) for row in manifest])
    (tmp_path / "list.txt").write_text("0" * 63)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_bytes(b"<html>")
    listed = (f"sha256={tmp_path / 'list.txt'}",)
    for options, message in (
        (ImageScreenOptions(min_side=40), r"parquet is missing: run `metaclip-curate images fingerprint --downloaded"),
        (
            ImageScreenOptions(image_list=listed),
            r"list\.txt:1 has '0+', of 63 characters",
        ),
        (ImageScreenOptions(benchmark=(str(tmp_path / "images"),)), "has no images"),
        (ImageScreenOptions(benchmark=(str(tmp_path / "broken"),)), "has no image that can be decoded, such as a.jpg"),
    ):
        if options.benchmark:
            fingerprint_download(FingerprintOptions(str(tmp_path / "images")), StorageOptions(), lambda line: None)
        with pytest.raises(UserError, match=message):
            rebalancing(tmp_path, options, [])
        assert not (tmp_path / "again").exists()


def test_a_list_of_digests_that_most_images_lack_is_a_warning(tmp_path: Path) -> None:
    manifest = made_run.write_run(tmp_path / "run", made_run.matched_rows(images=3, seed=3), t=10**6)["manifest"]
    write_download(tmp_path / "images", [(row, encoded(picture(1))) for row in manifest])
    fingerprint_download(FingerprintOptions(str(tmp_path / "images")), StorageOptions(), lambda line: None)
    [path] = (tmp_path / "images" / "_fingerprints").glob("*.parquet")
    table = pq.read_table(path)
    lacking = [each.as_py() if row == 1 else None for row, each in enumerate(table["md5"])]
    pq.write_table(table.set_column(table.schema.get_field_index("md5"), "md5", pa.array(lacking, pa.string())), path)
    (tmp_path / "list.txt").write_text("0" * 32)
    screening = rebalancing(tmp_path, ImageScreenOptions(image_list=(f"md5={tmp_path / 'list.txt'}",)), [])
    [warning] = screening.warnings
    assert f"{len(manifest) - 1} of {len(manifest)} images of the first shard" in warning
    assert "have no md5 of the file that was fetched" in warning
    begun = RunFolder(str(tmp_path / "again"))
    for stage in ("extract", "match"):  # by a command that was interrupted
        begun.begin(stage, {"rebalanced from": "run"}, "")
    assert rebalancing(tmp_path, ImageScreenOptions(image_list=(f"md5={tmp_path / 'list.txt'}",)), []).warnings


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
