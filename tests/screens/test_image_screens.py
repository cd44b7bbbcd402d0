"""Screens of single images, on made fingerprints."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.options.image_screens import ImageScreenOptions
from metaclip_curate.schemas import FINGERPRINTS
from metaclip_curate.screens.image_screens import DigestListScreen, ImageScreen, ImageScreens, PdqScreen, SizeScreen
from metaclip_curate.screens.reasons import IMAGE_REASONS

PDQ = "f0" * 32


def images(*rows: dict[str, Any]) -> pa.Table:
    plain = {"uid": "0", "error": "", "pdq": "0" * 64, "quality": 100, "width": 640, "height": 480}
    scores = [row.pop("score", None) for row in rows]
    table = pa.Table.from_pylist([plain | row for row in rows], schema=FINGERPRINTS)
    return table.append_column("score", pa.array(scores, pa.float64()))


def test_the_first_reason_counts_and_says_what_was_found() -> None:
    options = ImageScreenOptions(min_side=100, max_aspect=3, classifier="m.onnx", label="unsafe", above=0.5)
    lists: list[ImageScreen] = [
        PdqScreen("benchmark", pa.array(["0" * 64, PDQ]), pa.array(["val/a.png", "val/b.png"]), 31),
        DigestListScreen("md5", pa.array(["ab" * 16]), "known.txt"),
    ]
    near = "f1" * 2 + PDQ[4:]
    found = ImageScreens.of(options, lists).judge(
        images(
            {"error": "cut off or damaged", "pdq": None, "width": 10, "height": 10},
            {"md5": "ab" * 16, "width": 10},
            {"width": 10, "pdq": near},
            {"width": 1441, "pdq": "55" * 32},
            {"width": 1440, "pdq": "55" * 32},
            {"pdq": near, "score": 0.9},
            {"pdq": "55" * 32, "score": 0.875},
            {"pdq": "55" * 32, "score": 0.5},
            {"pdq": "55" * 32, "score": float("nan")},
        )
    )
    reasons = [IMAGE_REASONS[code] if code >= 0 else "" for code in found.codes]
    assert list(zip(reasons, found.details, strict=True)) == [
        ("unreadable", "cut off or damaged"),
        ("image_list", "md5 in known.txt"),
        ("size", "10 x 480 pixels"),
        ("size", "1441 x 480 pixels"),
        ("", ""),
        ("benchmark", "2 bits from val/b.png"),
        ("classifier", "unsafe 0.875"),
        ("", ""),
        ("classifier", "unsafe nan"),
    ]


def test_without_options_only_broken_images_are_rejected() -> None:
    found = ImageScreens.of(ImageScreenOptions(), []).judge(images({"width": 1, "score": 9.0}, {"error": "empty file"}))
    assert found.codes.tolist() == [-1, 0]
    assert ImageScreens.of(ImageScreenOptions(), []).judge(images()).details == []


def test_images_of_unknown_size_or_digest_pass() -> None:
    rows = images({"width": None, "height": None, "sha256": None})
    assert SizeScreen(100, 2).findings(rows) == {}
    assert DigestListScreen("sha256", pa.array(["0" * 64]), "list").findings(rows) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"near_duplicates": 32}, "--near-duplicates must be at most 31, not 32"),
        ({"benchmark_distance": -1}, "--benchmark-distance must be at least 0"),
        ({"max_aspect": 0.5}, "--max-aspect must be at least 1"),
        ({"min_side": 0}, "--min-side must be at least 1"),
        ({"classifier": "m.onnx", "label": "a"}, "--classifier needs --label and --above"),
        ({"above": 0.5}, "--label and --above are of a --classifier"),
        ({"benchmark_distance": 5}, "--benchmark-distance is of a --benchmark: name its folder"),
        ({"classifier_std": 0}, "--classifier-std must be above 0"),
    ],
)
def test_options_out_of_range(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ImageScreenOptions(**given)
