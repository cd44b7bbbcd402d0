"""The files of an evaluation: class names, templates and captions for each language."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from open_clip import IMAGENET_CLASSNAMES, OPENAI_IMAGENET_TEMPLATES, SIMPLE_IMAGENET_TEMPLATES

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.evaluate.layouts import Captions, read_caption_folder

ClassNames = dict[str, dict[str, str]]
_PLAIN = ("{}",)
_IMAGENET = "imagenet"
# Templates for English that open_clip ships: CLIP's 80 and the seven best of them.
_NAMED_TEMPLATES: dict[str, Sequence[Any]] = {"openai": OPENAI_IMAGENET_TEMPLATES, "simple": SIMPLE_IMAGENET_TEMPLATES}


def read_class_names(path: str, folders: Sequence[str]) -> ClassNames:
    """Reads the names of classes.

    Args:
        path: imagenet, for the names of its thousand classes that open_clip ships, by the order of the folders; a JSON
            file, {"en": {"n01440764": "tench", ...}, ...}; Babel-ImageNet's, {"DE": [[0, ...], ["Schleie", ...]], ...};
            or a TSV with the columns class, language and name.
        folders: Names of the folders of images, sorted.

    Returns:
        For each language, the name of each class. A class is identified by the name of its folder of images.

    Raises:
        UserError: The file can't be read or is malformed.
    """
    if path == _IMAGENET:
        return {"en": dict(zip(_of_imagenet(folders), IMAGENET_CLASSNAMES, strict=True))}
    if path.endswith(".json"):
        names = _read_json(path)
        if all(_is_babel_imagenet(of) for of in names.values()):
            _of_imagenet(folders)
            return {
                language: {folders[index]: name for index, name in zip(*of, strict=True)}
                for language, of in names.items()
            }
        if not all(isinstance(of, dict) for of in names.values()):
            raise UserError(f"{path} must hold an object of names by class for each language")
        return names
    found: ClassNames = {}
    for row in _read_tsv(path, ("class", "language", "name")):
        found.setdefault(row["language"], {})[row["class"]] = row["name"]
    return found


def _of_imagenet(folders: Sequence[str]) -> Sequence[str]:
    if len(folders) != len(IMAGENET_CLASSNAMES):
        raise UserError(
            f"--images has {len(folders):,} folders, and ImageNet {len(IMAGENET_CLASSNAMES):,} classes: name the "
            "folder of its validation images, with one folder for each class"
        )
    return folders


def _is_babel_imagenet(of_language: Any) -> bool:
    """Returns whether a value is a pair of lists, of classes' numbers and of their names (arXiv 2306.08658)."""
    return isinstance(of_language, list) and len(of_language) == 2 and all(isinstance(one, list) for one in of_language)


def read_templates(path: str) -> dict[str, Sequence[Any]]:
    """Reads templates.

    Args:
        path: openai or simple, for English templates that open_clip ships, or a JSON file,
            {"de": ["ein Foto von {}.", ...], ...}.

    Returns:
        Templates for each language.

    Raises:
        UserError: The file can't be read or is malformed, or a template has no {}.
    """
    if path in _NAMED_TEMPLATES:
        return {"en": _NAMED_TEMPLATES[path]}
    templates = _read_json(path)
    for language, of_language in templates.items():
        if not isinstance(of_language, list) or not of_language or not all("{}" in str(one) for one in of_language):
            raise UserError(f"{path} must hold a list of texts with {{}} for each language, unlike that of {language}")
    return templates


def templates_of(templates: dict[str, Sequence[Any]], language: str) -> Sequence[Any]:
    """Returns the given templates of a language, else CLIP's 80 for English, else the name alone."""
    return templates.get(language) or (OPENAI_IMAGENET_TEMPLATES if language == "en" else _PLAIN)


def read_captions(path: str) -> Captions:
    """Reads captions.

    Args:
        path: A TSV with the columns file, language and text, where a file may have several texts; or a folder in one
            of the layouts of `layouts`.

    Returns:
        Files and texts for each language.

    Raises:
        UserError: The file can't be read or is malformed.
    """
    if Path(path).is_dir():
        return read_caption_folder(Path(path))
    found: Captions = {}
    for row in _read_tsv(path, ("file", "language", "text")):
        found.setdefault(row["language"], []).append((row["file"], row["text"]))
    return found


def _read_json(path: str) -> dict[str, Any]:
    try:
        read = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read as JSON: {error}") from None
    if not isinstance(read, dict):
        raise UserError(f"{path} must hold an object with a member for each language")
    return read


def _read_tsv(path: str, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            rows = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read: {error}") from None
    for number, row in enumerate(rows, 2):
        if any(row.get(column) is None for column in columns):
            raise UserError(
                f"line {number} of {path} is wrong: it needs the columns {', '.join(columns)}, tabs between"
            )
    if not rows:
        raise UserError(f"{path} has no rows: it needs a line of column names, {', '.join(columns)}, and others")
    return rows
