"""The options that name what a model is evaluated on, by itself and while it is trained."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option

# clip-benchmark's names.
BENCHMARKS = ("imagenet1k", "babel_imagenet", "crossmodal3600", "flickr30k-200", "xtd10", "xtd200")


@dataclass(frozen=True)
class EvaluationFiles:
    """The files of an evaluation, and test sets by their names."""

    images: str = option("", "folder of the images of --classes and --captions", metavar="PATH", changes_output=False)
    classes: str = option(
        "",
        "names of the classes, whose images are in --images/CLASS/: .json, .tsv, or imagenet",
        metavar="PATH",
        changes_output=False,
    )
    templates: str = option(
        "openai",
        "texts with {} for a class's name: openai's 80 for English, simple's 7, or .json",
        metavar="PATH",
        changes_output=False,
    )
    captions: str = option(
        "",
        "captions of images for retrieval: .tsv, or a folder as of XM3600, XTD or Flickr30k-200",
        metavar="PATH",
        changes_output=False,
    )
    benchmarks: tuple[str, ...] = option(
        (), f"test sets through clip-benchmark: {', '.join(BENCHMARKS)}", metavar="NAME", changes_output=False
    )
    benchmark_data: str = option(
        "",
        "folder of their files, as clip-benchmark has them; {dataset} stands for the name",
        metavar="PATH",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        if (self.classes or self.captions) and not self.images:
            raise UserError("--images is missing: name the folder of the images of --classes and --captions")
        for name in self.benchmarks:
            if name not in BENCHMARKS:
                raise UserError(f"--benchmarks has {name}: name some of {', '.join(BENCHMARKS)}")
        if self.benchmarks and not self.benchmark_data:
            raise UserError("--benchmark-data is missing: name the folder of the test sets of --benchmarks")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to evaluate."""
        return not (self.classes or self.captions or self.benchmarks)
