"""Pages about the stamps with the skew of the web: few frequent subjects, many rare ones, many languages, noise.

Everything random is a hash of (seed, image), so that the same stamps make the same pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from examples.hashed_draws import hashed_fractions
from examples.page import Image, Page
from examples.stamps.collection import Stamp
from examples.wat_writer import write_wat

# Shares of pages, in the order of Common Crawl's languages, without those that lack many captions.
LANGUAGES = {
    "en": 0.40,
    "de": 0.11,
    "fr": 0.09,
    "es": 0.08,
    "ru": 0.07,
    "ja": 0.06,
    "it": 0.05,
    "pt": 0.04,
    "nl": 0.03,
    "pl": 0.03,
    "uk": 0.02,
    "el": 0.02,
}
_NOISE = ("logo", "photo", "click to enlarge", "DSC_{}.JPG", "image {}", "banner", "thumbnail {}", "untitled")
_AROUND = ("{}", "{}", "{}", "{} #{}", "{} - {} px", "{} | {}")
_NOISE_SHARE, _WRONG_SHARE = 0.2, 0.05
_IMAGES_A_PAGE = 10
_PICTURE, _PAGE, _RANK = range(3)


@dataclass(frozen=True)
class Plan:
    """The subjects of all images.

    Attributes:
        subjects: Index of each image's subject, shape (images,).
        frequency: Number of images of each subject, shape (subjects,).
    """

    subjects: list[int]
    frequency: list[int]


def plan(stamps: Sequence[Stamp], images: int, seed: int) -> Plan:
    """Draws the subject of each image, by Zipf's law: rank r with probability in proportion to 1 / r."""
    order = np.argsort(hashed_fractions(len(stamps), seed, _RANK))
    shares = np.cumsum(1 / np.arange(1, len(stamps) + 1))
    ranks = np.searchsorted(shares / shares[-1], hashed_fractions(images, seed, _PICTURE), side="right")
    subjects = order[ranks]
    return Plan(subjects.tolist(), np.bincount(subjects, minlength=len(stamps)).tolist())


def pages(stamps: Sequence[Stamp], drawn: Plan, address: str, seed: int) -> Iterator[Page]:
    """Yields pages of ten images each, with texts in one language.

    Args:
        stamps: The subjects.
        drawn: Subject of each image.
        address: URL of the image server, without a slash at the end.
        seed: Seed of languages and texts.
    """
    codes, shares = list(LANGUAGES), np.cumsum(list(LANGUAGES.values()))
    for first in range(0, len(drawn.subjects), _IMAGES_A_PAGE):
        language = codes[
            int(np.searchsorted(shares / shares[-1], hashed_fractions(1, seed, first, _PAGE)[0], side="right"))
        ]
        shown = []
        for image in range(first, min(first + _IMAGES_A_PAGE, len(drawn.subjects))):
            subject = drawn.subjects[image]
            text = _text(stamps, drawn, image, language, seed)
            shown.append(Image(f"{address}/{subject}/{image}.jpg", text))
        number = first // _IMAGES_A_PAGE
        yield Page(f"https://site{number % 97}.example/{number}.html", f"Page {number}", tuple(shown), lang=language)


def _text(stamps: Sequence[Stamp], drawn: Plan, image: int, language: str, seed: int) -> str:
    kind, which, way = hashed_fractions(3, seed, image, _PAGE, 1).tolist()
    if kind < _NOISE_SHARE:
        return _NOISE[int(which * len(_NOISE))].format(1000 + image % 9000)
    subject = drawn.subjects[image]
    if kind < _NOISE_SHARE + _WRONG_SHARE:  # the caption of another image, by that image's frequency
        subject = drawn.subjects[int(which * len(drawn.subjects))]
    captions = stamps[subject].captions
    return _AROUND[int(way * len(_AROUND))].format(captions.get(language, captions["en"]), image)


def write_metadata(stamps: Sequence[Stamp], folder: Path) -> int:
    """Writes the entries of each language: captions without full stops, and their words.

    Returns:
        Number of entries.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for language in LANGUAGES:
        captions = [stamp.captions[language] for stamp in stamps if language in stamp.captions]
        whole = [caption.rstrip(" .。!") for caption in captions]
        words = [word for caption in captions for word in re.findall(r"[^\W\d_]{3,}", caption)]
        entries = list(dict.fromkeys(whole + words))
        (folder / f"{language}.json").write_text(json.dumps(entries, ensure_ascii=False), "utf-8")
        count += len(entries)
    return count


def write_web(stamps: Sequence[Stamp], images: int, address: str, seed: int, folder: Path) -> Plan:
    """Writes the pages as a WAT, and the metadata."""
    drawn = plan(stamps, images, seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_wat(folder / "stamps.warc.wat.gz", pages(stamps, drawn, address, seed))
    write_metadata(stamps, folder / "metadata")
    return drawn
