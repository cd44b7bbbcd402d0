"""Test sets by their names, through clip-benchmark: its files, splits, class names and templates.

Features and ranks are computed as for other files, so that each image is encoded once for all languages. Without ties
the results are those of clip-benchmark itself.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.trainer.evaluate.results import Result, classification_results, retrieval_results
from metaclip_curate.trainer.evaluate.zero_shot import Encoder

_PACKAGE = "clip_benchmark.datasets"
_BABEL = ("babel_imagenet", "nllb_dist13b_prompts")


@dataclass(frozen=True)
class _TestSet:
    """A test set of clip-benchmark.

    Attributes:
        needs: Files below its root, of each of which one must be there, so that nothing large is downloaded.
        module: Module with its languages, if it has captions; empty for classification.
    """

    needs: tuple[tuple[str, ...], ...]
    module: str = ""


_IMAGENET = (("ILSVRC2012_devkit_t12.tar.gz", "meta.bin"), ("ILSVRC2012_img_val.tar", "val"))
_TEST_SETS = {
    "imagenet1k": _TestSet(_IMAGENET),
    "babel_imagenet": _TestSet(_IMAGENET),
    "crossmodal3600": _TestSet((("xm3600/captions.jsonl",), ("xm3600/images",)), "crossmodal3600"),
    "flickr30k-200": _TestSet((("flickr30k-200/images",),), "flickr30k_200"),
    "xtd10": _TestSet((("xtd10/images",),), "xtd10"),
    "xtd200": _TestSet((("xtd200/images",),), "xtd200"),
}


def check_benchmarks(names: Sequence[str], root: str, languages: Sequence[str] = ()) -> None:
    """Checks that test sets can be used, without reading them. See `evaluate_benchmarks`.

    Raises:
        UserError: A file or clip-benchmark is missing, or no test set has one of the languages.
    """
    supported = {language for name in names for language in _languages(name)}
    for language in languages:
        if language not in supported:
            raise UserError(f"there is no language {language} in {' and '.join(names)}: docs/training.md lists them")
    for name in names:
        folder = _folder(root, name)
        for alternatives in _TEST_SETS[name].needs:
            if not any((folder / one).exists() for one in alternatives):
                raise UserError(
                    f"{folder} has no {' or '.join(alternatives)}, which {name} needs: docs/training.md has the layout"
                )


def prepare_benchmarks(names: Sequence[str], root: str, languages: Sequence[str] = ()) -> None:
    """Checks test sets and lets clip-benchmark fetch and keep the captions that are missing. See `evaluate_benchmarks`.

    Raises:
        UserError: As `check_benchmarks`, or captions can't be fetched.
    """
    check_benchmarks(names, root, languages)
    for name in names:
        if _TEST_SETS[name].module:
            for language in _languages(name):
                if not languages or language in languages:
                    _open(name, _folder(root, name), language)


def evaluate_benchmarks(
    encoder: Encoder, names: Sequence[str], root: str, languages: Sequence[str] = ()
) -> Iterator[Result]:
    """Evaluates a model on test sets.

    Args:
        encoder: The model.
        names: Names of test sets.
        root: Folder of their files as for clip-benchmark's --dataset_root, in which {dataset} stands for the name.
        languages: Languages, by the codes of the test sets. Default: all that a test set has.

    Raises:
        UserError: A file or clip-benchmark is missing, or no test set has one of the languages.
    """
    check_benchmarks(names, root, languages)
    features = _Features(encoder)
    for name in names:
        for language in _languages(name):
            if not languages or language in languages:
                yield from _evaluate(features, name, _folder(root, name), language)


def _folder(root: str, name: str) -> Path:
    return Path(root.replace("{dataset}", name))


def _languages(name: str) -> list[str]:
    """Lists the languages of a test set."""
    try:
        importlib.import_module(_PACKAGE)
    except ImportError as error:
        raise UserError(f"--benchmarks needs clip-benchmark: {install_extra('trainer,evaluation')}") from error
    if module := _TEST_SETS[name].module:
        return list(importlib.import_module(f"{_PACKAGE}.{module}").SUPPORTED_LANGUAGES)
    data = resources.files(_PACKAGE)
    if name == "imagenet1k":
        suffix = "_classnames.json"
        return sorted(file.name.removesuffix(suffix) for file in data.iterdir() if file.name.endswith(suffix))
    named, prompted = (json.loads((data / f"{one}.json").read_text("utf-8")) for one in _BABEL)
    return sorted(language.lower() for language in named if language in prompted)


def _evaluate(features: _Features, name: str, folder: Path, language: str) -> Iterator[Result]:
    dataset = _open(name, folder, language)
    if not _TEST_SETS[name].module:
        yield from _classification(features, name, language, dataset)
        return
    # An address without a file gives one line, which clip-benchmark takes for the caption of the first image.
    if len(dataset) < 2:
        print(f"{name} has no captions in {language} that clip-benchmark can fetch: left out", file=sys.stderr)
        return
    yield from _retrieval(features, name, language, dataset)


def _open(name: str, folder: Path, language: str) -> Any:
    builder = importlib.import_module(f"{_PACKAGE}.builder")
    task = "zeroshot_retrieval" if _TEST_SETS[name].module else "zeroshot_classification"
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            return builder.build_dataset(name, root=str(folder), language=language, task=task, download=False)
    except (OSError, RuntimeError, ValueError, LookupError) as error:
        reason = f"there is no {error}" if isinstance(error, LookupError) else error
        raise UserError(f"clip-benchmark can't read {name} in {language} from {folder}: {reason}") from error
    finally:
        if missing := printed.getvalue().count("Missing image"):
            print(f"{name}, {language}: {missing:,} images are missing from {folder}", file=sys.stderr)


def _classification(features: _Features, name: str, language: str, dataset: Any) -> Iterator[Result]:
    # Babel-ImageNet's samples have the classes' numbers in ImageNet, of which it uses some.
    number_of = {index: number for number, index in enumerate(getattr(dataset, "idxs", range(len(dataset.classes))))}
    images, kept = features.of([path for path, _ in dataset.samples])
    own = torch.tensor([number_of[dataset.samples[index][1]] for index in kept], dtype=torch.int64)
    templates = [functools.partial(_filled, template) for template in dataset.templates]
    named = features.encoder.classes(list(dataset.classes), templates)
    yield from classification_results(images, named, own, language, name)


def _filled(template: str, name: str) -> str:
    return template.format(c=name)


def _retrieval(features: _Features, name: str, language: str, dataset: Any) -> Iterator[Result]:
    images, kept = features.of([path for path, _ in dataset.data])
    texts = [dataset.data[index][1] for index in kept]
    yield from retrieval_results(features.encoder, images, texts, torch.arange(len(texts)), language, name)


class _Features:
    """Features of image files, each of which is encoded once."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._of: dict[str, Tensor | None] = {}

    def of(self, paths: Sequence[str]) -> tuple[Tensor, list[int]]:
        """Returns features of the images that can be used, shape (images, dimensions), and their indices."""
        new = [path for path in dict.fromkeys(paths) if path not in self._of]
        if new:
            features, numbers = self.encoder.images([Path(path) for path in new])
            self._of |= dict.fromkeys(new)
            self._of |= {new[number]: feature for number, feature in zip(numbers.tolist(), features, strict=True)}
            if broken := len(new) - len(numbers):
                print(f"{broken:,} of {len(new):,} images couldn't be used", file=sys.stderr)
        found = [(index, feature) for index, path in enumerate(paths) if (feature := self._of[path]) is not None]
        if not found:
            raise UserError(f"none of {len(paths):,} images can be used, such as {paths[0]}")
        return torch.stack([feature for _, feature in found]), [index for index, _ in found]
