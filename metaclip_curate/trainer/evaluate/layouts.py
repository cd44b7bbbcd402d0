"""Captions in the layouts in which test sets of many languages are published.

| test set | files |
| --- | --- |
| XM3600 (arXiv 2205.12522) | captions.jsonl: image/key, and captions by language |
| XTD10 (arXiv 2012.05107) | test_image_names.txt, and test_1kcaptions_LANG.txt with a caption for each line of it |
| XTD200 | test_image_names.txt, and LANG.txt |
| Flickr30k-200 | filenames.txt, and LANG.txt |
"""

from __future__ import annotations

import json
from pathlib import Path

from metaclip_curate.errors import UserError

Captions = dict[str, list[tuple[str, str]]]
_XM3600 = "captions.jsonl"
_NAMES = ("filenames.txt", "test_image_names.txt")
_PREFIX = "test_1kcaptions_"


def read_caption_folder(folder: Path) -> Captions:
    """Reads the captions of a folder in one of the layouts.

    Args:
        folder: Folder of the caption files.

    Returns:
        Image files, relative to the folder of images, and texts for each language.

    Raises:
        UserError: The folder has none of the layouts, or a file has other lines than it should.
    """
    if (folder / _XM3600).is_file():
        return _read_xm3600(folder / _XM3600)
    index = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
    if index is None:
        raise UserError(f"{folder} has none of {_XM3600}, {', '.join(_NAMES)}: name a folder of captions, or a TSV")
    images, found = _lines(index), {}
    for path in sorted(folder.glob("*.txt")):
        if path == index:
            continue
        texts = _lines(path)
        if len(texts) != len(images):
            raise UserError(f"{path} has {len(texts):,} lines, {index.name} has {len(images):,}: fetch the files again")
        found[path.stem.removeprefix(_PREFIX)] = list(zip(images, texts, strict=True))
    return found


def _read_xm3600(path: Path) -> Captions:
    found: Captions = {}
    for number, line in enumerate(_lines(path), 1):
        try:
            row = json.loads(line)
            file = f"{row['image/key']}.jpg"
            for language, value in row.items():
                if isinstance(value, dict):
                    found.setdefault(language, []).extend((file, text) for text in value["caption"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UserError(f"line {number} of {path} isn't a row of XM3600: fetch the file again") from None
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read: {error}") from None
