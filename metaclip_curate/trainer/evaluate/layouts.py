"""Captions in the layouts in which test sets of many languages are published.

| test set | files |
| --- | --- |
| XM3600 (arXiv 2205.12522) | captions.jsonl: image/key, and captions by language |
| XTD10 (arXiv 2012.05107) | test_image_names.txt, and test_1kcaptions_LANG.txt with a caption for each line of it |
| XTD200 | test_image_names.txt, and LANG.txt |
| Flickr30k-200 | filenames.txt, and LANG.txt |

XTD10's captions are in three folders side by side: XTD10 has seven languages and the names of the images, MIC has
English, French and German, and STAIR has Japanese.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from metaclip_curate.errors import UserError

Captions = dict[str, list[tuple[str, str]]]
_XM3600 = "captions.jsonl"
_XTD_NAMES = "test_image_names.txt"
_NAMES = ("filenames.txt", _XTD_NAMES)
_PREFIX = "test_1kcaptions_"
# A language of FLORES-200 with its script, or one of XTD10.
_LANGUAGE = re.compile(rf"[a-z]{{3}}_[A-Z][a-z]{{3}}|{_PREFIX}[a-z]+")
_XTD_FOLDERS = ("XTD10", "MIC", "STAIR")


def read_caption_folder(folder: Path) -> Captions:
    """Reads the captions of a folder in one of the layouts.

    Args:
        folder: Folder of the caption files; for XTD10, its folder XTD10 or the one above.

    Returns:
        Image files, relative to the folder of images, and texts for each language.

    Raises:
        UserError: The folder has none of the layouts, or a file has other lines than it should.
    """
    if (folder / _XM3600).is_file():
        return _read_xm3600(folder / _XM3600)
    if (folder / _XTD_FOLDERS[0] / _XTD_NAMES).is_file():
        folder = folder / _XTD_FOLDERS[0]
    index = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
    if index is None:
        raise UserError(f"{folder} has none of {_XM3600}, {', '.join(_NAMES)}: name a folder of captions, or a TSV")
    images = _lines(index)
    found: Captions = {}
    for path in _caption_files(folder):
        texts = _lines(path)
        if len(texts) != len(images):
            raise UserError(f"{path} has {len(texts):,} lines, {index.name} has {len(images):,}: fetch the files again")
        found[path.stem.removeprefix(_PREFIX)] = list(zip(images, texts, strict=True))
    return found


def _caption_files(folder: Path) -> Iterator[Path]:
    # Flickr30k-200 also has eng_captions.txt, which is no language.
    yield from sorted(path for path in folder.glob("*.txt") if _LANGUAGE.fullmatch(path.stem))
    if folder.name == _XTD_FOLDERS[0]:
        for beside in _XTD_FOLDERS[1:]:
            yield from sorted((folder.parent / beside).glob(f"{_PREFIX}*.txt"))


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
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read: {error}") from None
    # `splitlines` would also end a line at characters such as U+2028, which a caption may contain.
    return text.removesuffix("\n").split("\n") if text else []
