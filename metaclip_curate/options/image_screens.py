"""The options of the screens that look at downloaded images, which `rebalance` applies."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_above_zero, check_range, option

# The largest distance that the search in `screens.hash_search` finds without a gap, and that of PDQ's authors.
MOST_DISTANCE = 31


@dataclass(frozen=True)
class ImageScreenOptions:
    """Which pairs are rejected for their downloaded image."""

    fingerprints: tuple[str, ...] = option(
        (),
        "folders that `images fingerprint` wrote, in the order of --downloaded (default: _fingerprints in each)",
        metavar="PATH",
        changes_output=False,
    )
    image_list: tuple[str, ...] = option(
        (),
        "lists of images to reject, a hash a line: sha256=FILE, md5=FILE, or pdq=FILE for PDQ hashes that differ in at "
        "most 31 bits, pdq:N=FILE in at most N",
        metavar="KIND=FILE",
        changes_output=False,
    )
    min_side: int | None = option(
        None, "reject images with a shorter side, before img2dataset resized them", metavar="PIXELS"
    )
    max_aspect: float | None = option(
        None,
        "reject images whose longer side is more than this many times the shorter one, before img2dataset resized them",
        metavar="RATIO",
    )
    near_duplicates: int | None = option(
        None,
        "of images whose PDQ hashes differ in at most this many of 256 bits keep the one with the smallest uid; 31 is "
        "what the authors of PDQ recommend, and the most",
        metavar="BITS",
    )
    benchmark: tuple[str, ...] = option(
        (),
        "folders of images that training mustn't see; images whose PDQ hash is at most --benchmark-distance away from "
        "one of them are rejected",
        metavar="PATH",
        changes_output=False,
    )
    benchmark_distance: int = option(MOST_DISTANCE, "number of bits of a PDQ hash, for --benchmark", metavar="BITS")
    classifier: str = option(
        "", "ONNX model with an image as input and scores as output", metavar="PATH", changes_output=False
    )
    label: str = option(
        "",
        "score of the classifier that is compared: a name in its metadata entry `labels`, the name of an output with a "
        "single score, or a position from 0",
        metavar="NAME",
    )
    above: float | None = option(None, "reject images with a larger score", metavar="SCORE")
    classifier_mean: float = option(
        0.0, "subtracted from the classifier's input, whose values are from 0 to 1", metavar="VALUE"
    )
    classifier_std: float = option(1.0, "what the classifier's input is then divided by", metavar="VALUE")

    def __post_init__(self) -> None:
        if self.min_side is not None:
            check_range("min_side", self.min_side, 1)
        if self.max_aspect is not None:
            check_range("max_aspect", self.max_aspect, 1)
        if self.near_duplicates is not None:
            check_range("near_duplicates", self.near_duplicates, 0, MOST_DISTANCE)
        check_range("benchmark_distance", self.benchmark_distance, 0, MOST_DISTANCE)
        if not self.benchmark and self.benchmark_distance != MOST_DISTANCE:
            raise UserError("--benchmark-distance is of a --benchmark: name its folder")
        check_above_zero("classifier_std", self.classifier_std)
        if self.classifier and (not self.label or self.above is None):
            raise UserError("--classifier needs --label and --above: name the score, and how much of it rejects")
        if not self.classifier and (self.label or self.above is not None):
            raise UserError("--label and --above are of a --classifier: name its ONNX file")

    @property
    def any(self) -> bool:
        """Whether any screen is asked for."""
        asked = (self.min_side, self.max_aspect, self.near_duplicates)
        return bool(self.image_list or self.benchmark or self.classifier) or any(each is not None for each in asked)
