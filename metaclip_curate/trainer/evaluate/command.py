"""`python -m metaclip_curate.trainer.evaluate`: zero-shot classification and retrieval for each language."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from metaclip_curate.console.text_table import text_table
from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.fields import check_range, option
from metaclip_curate.options.parser import OptionParser
from metaclip_curate.storage.atomic_file import atomic_write
from metaclip_curate.trainer.evaluate.files import read_captions, read_class_names, read_templates, templates_of
from metaclip_curate.trainer.evaluate.zero_shot import Encoder, class_ranks, image_ranks, text_ranks
from metaclip_curate.trainer.models import clip, transformers_clip

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class EvaluateOptions:
    """Options of an evaluation."""

    model: str = option(
        "",
        "open_clip's name of the model, local-dir:FOLDER, transformers:NAME, or a .json file",
        metavar="NAME",
        required=True,
    )
    pretrained: str = option("", "weights: a name such as metaclip_fullcc, or a checkpoint", metavar="NAME")
    images: str = option("", "folder of images", metavar="PATH", required=True)
    classes: str = option(
        "", "names of the classes, whose images are in --images/CLASS/: .json, .tsv, or imagenet", metavar="PATH"
    )
    templates: str = option(
        "openai", "texts with {} for a class's name: openai's 80 for English, simple's 7, or .json", metavar="PATH"
    )
    captions: str = option(
        "",
        "captions of images for retrieval: .tsv, or a folder as of XM3600, XTD or Flickr30k-200",
        metavar="PATH",
    )
    languages: tuple[str, ...] = option((), "evaluate only these languages (default: all)", metavar="LANG")
    output: str = option("", "also write the results to this file, as JSON", metavar="PATH")
    batch_size: int = option(64, "number of images or texts in a batch", metavar="N")
    workers: int = option(4, "number of processes that read images", metavar="N")

    def __post_init__(self) -> None:
        for name, value in (("model", self.model), ("images", self.images)):
            if not value:
                raise UserError(f"--{name} is missing: see --help")
        if not self.classes and not self.captions:
            raise UserError("give --classes for classification, --captions for retrieval, or both")
        check_range("batch_size", self.batch_size, 1)
        check_range("workers", self.workers, 0)


@dataclass(frozen=True)
class Result:
    """One measurement.

    Attributes:
        task: classification, image to text, or text to image.
        language: Language of the class names or texts.
        measure: top-K or recall@K: the share of queries whose answer is among the first K candidates.
        value: The share, from 0 to 1, where equally similar candidates come before the right one.
        value_with_ties: The share where they come after it.
        queries: Number of queries.
        candidates: Number of candidates.
    """

    task: str
    language: str
    measure: str
    value: float
    value_with_ties: float
    queries: int
    candidates: int


def evaluate(encoder: Encoder, options: EvaluateOptions) -> Iterator[Result]:
    """Evaluates a model.

    Raises:
        UserError: A file is malformed, or no image can be used.
    """
    if options.classes:
        yield from _classification(encoder, options)
    if options.captions:
        yield from _retrieval(encoder, options)


def _classification(encoder: Encoder, options: EvaluateOptions) -> Iterator[Result]:
    folders = sorted(path for path in Path(options.images).glob("*/") if path.is_dir())
    names = read_class_names(options.classes, [folder.name for folder in folders])
    templates = read_templates(options.templates)
    paths = [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES]
    features, numbers = _features(encoder, paths, options)
    folder_of = [paths[number].parent.name for number in numbers.tolist()]
    for language in _languages(names, options):
        classes = [folder.name for folder in folders if folder.name in names[language]]
        if not classes:
            raise UserError(f"{options.classes} names no class of {options.images} in {language}")
        # Images of classes without a name in the language are left out.
        rows = [row for row, folder in enumerate(folder_of) if folder in names[language]]
        own = torch.tensor([classes.index(folder_of[row]) for row in rows], dtype=torch.int64)
        named = encoder.classes([names[language][one] for one in classes], templates_of(templates, language))
        ranks = class_ranks(features[rows], named, own)
        for k in (1, 5):
            yield Result("classification", language, f"top-{k}", *ranks.recall_at(k), len(rows), len(classes))


def _retrieval(encoder: Encoder, options: EvaluateOptions) -> Iterator[Result]:
    captions = read_captions(options.captions)
    languages = _languages(captions, options)
    files = sorted({file for language in languages for file, _ in captions[language]})
    features, numbers = _features(encoder, [Path(options.images, file) for file in files], options)
    row_of = {files[number]: row for row, number in enumerate(numbers.tolist())}
    for language in languages:
        texts = [(row_of[file], text) for file, text in captions[language] if file in row_of]
        rows = sorted({row for row, _ in texts})
        index_of = {row: index for index, row in enumerate(rows)}
        own = torch.tensor([index_of[row] for row, _ in texts], dtype=torch.int64)
        images, of_texts = features[rows], encoder.texts([text for _, text in texts])
        to_image, to_text = text_ranks(images, of_texts, own), image_ranks(images, of_texts, own)
        for k in (1, 5, 10):
            measure = f"recall@{k}"
            yield Result("text to image", language, measure, *to_image.recall_at(k), len(texts), len(rows))
            yield Result("image to text", language, measure, *to_text.recall_at(k), len(rows), len(texts))


def _features(encoder: Encoder, paths: list[Path], options: EvaluateOptions) -> tuple[torch.Tensor, torch.Tensor]:
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise UserError(f"there is no image {missing[0]}: files in {options.captions} are relative to --images")
    features, numbers = encoder.images(paths)
    if not len(numbers):
        raise UserError(f"{options.images} has no image that can be used: for --classes they are in --images/CLASS/")
    if broken := len(paths) - len(numbers):
        print(f"{broken:,} of {len(paths):,} images couldn't be used", file=sys.stderr)
    return features, numbers


def _languages(by_language: Mapping[str, object], options: EvaluateOptions) -> list[str]:
    unknown = [language for language in options.languages if language not in by_language]
    if unknown:
        raise UserError(f"the files have no language {unknown[0]}: there are {', '.join(sorted(by_language))}")
    return list(options.languages) or sorted(by_language)


def main(arguments: list[str]) -> int:
    """Evaluates a model and prints a table.

    Returns:
        Exit status: 0, or 2 after a mistake of the user.
    """
    parser = OptionParser(
        "python -m metaclip_curate.trainer.evaluate",
        description="Evaluate a model by zero-shot classification and retrieval, language by language.",
        examples=(
            "--model training/model.json --pretrained training/last.pt --images photos --classes classes.json",
            "--model ViT-B-16-quickgelu --pretrained metaclip_fullcc --images photos --captions captions.tsv",
        ),
    )
    parser.add_argument("--device", default="", choices=["cpu", "cuda"], help="default: cuda if available")
    add_options(parser, "evaluation", EvaluateOptions)
    parsed = parser.parse_args(arguments)
    try:
        options: EvaluateOptions = given_options(parsed, {"evaluation": EvaluateOptions})["evaluation"]
        device = torch.device(parsed.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        from_transformers = options.model.startswith(transformers_clip.SCHEME)
        made = (
            transformers_clip.create(options.model)
            if from_transformers
            else clip.create(options.model, options.pretrained)
        )
        encoder = Encoder(made, device, options.batch_size, options.workers)
        results = list(evaluate(encoder, options))
    except UserError as error:
        print(f"metaclip_curate.trainer.evaluate: {error}", file=sys.stderr)
        return 2
    rows = [
        (
            one.task,
            one.language,
            one.measure,
            f"{one.value:.1%}",
            f"{one.value_with_ties:.1%}",
            f"{one.queries:,}",
            f"{one.candidates:,}",
        )
        for one in results
    ]
    titles = ("task", "language", "measure", "value", "with ties", "queries", "candidates")
    print(text_table(titles, rows, "<<<>>>>"))
    if options.output:
        with atomic_write(Path(options.output)) as file:
            file.write(json.dumps([asdict(one) for one in results], indent=1).encode() + b"\n")
    return 0
