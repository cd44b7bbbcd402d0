"""`python -m metaclip_curate.trainer.evaluate`: zero-shot classification and retrieval for each language."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.fields import check_range, option
from metaclip_curate.options.parser import OptionParser
from metaclip_curate.storage.atomic_file import atomic_write
from metaclip_curate.trainer.evaluate.benchmarks import evaluate_benchmarks, prepare_benchmarks
from metaclip_curate.trainer.evaluate.files import read_captions, read_class_names, read_templates, templates_of
from metaclip_curate.trainer.evaluate.options import EvaluationFiles
from metaclip_curate.trainer.evaluate.results import Result, classification_results, results_table, retrieval_results
from metaclip_curate.trainer.evaluate.zero_shot import Encoder
from metaclip_curate.trainer.models import clip, transformers_clip

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class EvaluateOptions:
    """Options of the model that is evaluated, and of the results."""

    model: str = option(
        "",
        "open_clip's name of the model, local-dir:FOLDER, transformers:NAME, or a .json file",
        metavar="NAME",
        required=True,
    )
    pretrained: str = option("", "weights: a name such as metaclip_fullcc, or a checkpoint", metavar="NAME")
    languages: tuple[str, ...] = option((), "evaluate only these languages (default: all)", metavar="LANG")
    output: str = option("", "also write the results to this file, as JSON", metavar="PATH")
    batch_size: int = option(64, "number of images or texts in a batch", metavar="N")
    workers: int = option(4, "number of processes that read images", metavar="N")

    def __post_init__(self) -> None:
        if not self.model:
            raise UserError("--model is missing: see --help")
        check_range("batch_size", self.batch_size, 1)
        check_range("workers", self.workers, 0)


def evaluate(encoder: Encoder, files: EvaluationFiles, languages: Sequence[str] = ()) -> Iterator[Result]:
    """Evaluates a model.

    Args:
        encoder: The model.
        files: Files and test sets.
        languages: Languages. Default: all that the files and test sets have.

    Raises:
        UserError: A file is malformed, or no image can be used.
    """
    if files.classes:
        yield from _classification(encoder, files, languages)
    if files.captions:
        yield from _retrieval(encoder, files, languages)
    if files.benchmarks:
        yield from evaluate_benchmarks(encoder, files.benchmarks, files.benchmark_data, languages)


def check_evaluation(files: EvaluationFiles, languages: Sequence[str] = ()) -> None:
    """Checks that an evaluation can be done, without a model, and fetches captions. See `evaluate`.

    Raises:
        UserError: A file is missing or malformed, or a language is unknown.
    """
    if files.classes:
        folders = _class_folders(files)
        names = read_class_names(files.classes, [folder.name for folder in folders])
        read_templates(files.templates)
        chosen = _languages(names, languages)
        _class_images(folders, files)
        for one in chosen:
            _named_classes(folders, names, one, files)
    if files.captions:
        captions = read_captions(files.captions)
        _check_images(
            [Path(files.images, file) for one in _languages(captions, languages) for file, _ in captions[one]], files
        )
    if files.benchmarks:
        prepare_benchmarks(files.benchmarks, files.benchmark_data, languages)


def _classification(encoder: Encoder, files: EvaluationFiles, only: Sequence[str]) -> Iterator[Result]:
    folders = _class_folders(files)
    names = read_class_names(files.classes, [folder.name for folder in folders])
    templates = read_templates(files.templates)
    paths = _class_images(folders, files)
    features, numbers = _features(encoder, paths, files)
    folder_of = [paths[number].parent.name for number in numbers.tolist()]
    for language in _languages(names, only):
        classes = _named_classes(folders, names, language, files)
        # Images of classes without a name in the language are left out.
        rows = [row for row, folder in enumerate(folder_of) if folder in names[language]]
        own = torch.tensor([classes.index(folder_of[row]) for row in rows], dtype=torch.int64)
        named = encoder.classes([names[language][one] for one in classes], templates_of(templates, language))
        yield from classification_results(features[rows], named, own, language)


def _retrieval(encoder: Encoder, files: EvaluationFiles, only: Sequence[str]) -> Iterator[Result]:
    captions = read_captions(files.captions)
    languages = _languages(captions, only)
    names = sorted({file for language in languages for file, _ in captions[language]})
    features, numbers = _features(encoder, [Path(files.images, file) for file in names], files)
    row_of = {names[number]: row for row, number in enumerate(numbers.tolist())}
    for language in languages:
        texts = [(row_of[file], text) for file, text in captions[language] if file in row_of]
        rows = sorted({row for row, _ in texts})
        index_of = {row: index for index, row in enumerate(rows)}
        own = torch.tensor([index_of[row] for row, _ in texts], dtype=torch.int64)
        yield from retrieval_results(encoder, features[rows], [text for _, text in texts], own, language)


def _class_folders(files: EvaluationFiles) -> list[Path]:
    return sorted(path for path in Path(files.images).glob("*/") if path.is_dir())


def _class_images(folders: Sequence[Path], files: EvaluationFiles) -> list[Path]:
    """Lists the images of all classes.

    Raises:
        UserError: There is none.
    """
    paths = [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES]
    if not paths:
        raise UserError(f"{files.images} has no images in folders of classes: put them into --images/CLASS/")
    return paths


def _named_classes(
    folders: Sequence[Path], names: Mapping[str, Mapping[str, str]], language: str, files: EvaluationFiles
) -> list[str]:
    """Lists the classes with images that have a name in a language.

    Raises:
        UserError: There is none.
    """
    classes = [folder.name for folder in folders if folder.name in names[language]]
    if not classes:
        raise UserError(f"{files.classes} names no class of {files.images} in {language}")
    return classes


def _check_images(paths: Sequence[Path], files: EvaluationFiles) -> None:
    missing = next((path for path in paths if not path.is_file()), None)
    if missing is not None:
        raise UserError(f"there is no image {missing}: files in {files.captions} are relative to --images")


def _features(encoder: Encoder, paths: list[Path], files: EvaluationFiles) -> tuple[torch.Tensor, torch.Tensor]:
    _check_images(paths, files)
    features, numbers = encoder.images(paths)
    if not len(numbers):
        raise UserError(f"{files.images} has no image that can be used: look at the files")
    if broken := len(paths) - len(numbers):
        print(f"{broken:,} of {len(paths):,} images couldn't be used", file=sys.stderr)
    return features, numbers


def _languages(by_language: Mapping[str, object], only: Sequence[str]) -> list[str]:
    unknown = [language for language in only if language not in by_language]
    if unknown:
        raise UserError(f"the files have no language {unknown[0]}: there are {', '.join(sorted(by_language))}")
    return list(only) or sorted(by_language)


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
            "--model local-dir:training --benchmarks imagenet1k,crossmodal3600 --benchmark-data testsets/{dataset}",
        ),
    )
    parser.add_argument("--device", default="", choices=["cpu", "cuda"], help="default: cuda if available")
    groups = {"model": EvaluateOptions, "files": EvaluationFiles}
    for group, kind in groups.items():
        add_options(parser, group, kind)
    parsed = parser.parse_args(arguments)
    try:
        given = given_options(parsed, groups)
        options, files = given["model"], given["files"]
        if files.is_empty:
            raise UserError("give --classes for classification, --captions for retrieval, or --benchmarks")
        device = torch.device(parsed.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        from_transformers = options.model.startswith(transformers_clip.SCHEME)
        made = (
            transformers_clip.create(options.model)
            if from_transformers
            else clip.create(options.model, options.pretrained)
        )
        encoder = Encoder(made, device, options.batch_size, options.workers)
        results = list(evaluate(encoder, files, options.languages))
    except UserError as error:
        print(f"metaclip_curate.trainer.evaluate: {error}", file=sys.stderr)
        return 2
    print(results_table(results))
    if options.output:
        with atomic_write(Path(options.output)) as file:
            file.write(json.dumps([asdict(one) for one in results], indent=1).encode() + b"\n")
    return 0
