"""The pages of the shipped input: short captions in many languages, with a web-like skew.

The words are in `pages/<language>.json`: sites with subjects and details that their patterns
combine, captions that are used once, and labels of logos, icons and buttons. Subjects, details and
noise are listed from frequent to rare and drawn by Zipf's law, so that a few entries of a metadata
list occur in many texts and most in few. As on the web, labels such as "logo" belong to many different
images, and so does half of the captions, so that many pairs have frequent entries only and balancing drops
some of them. Every choice is a hash of its page and purpose, so that a new language or site leaves the other
pages as they are.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from examples.page import Anchor, Image, Page

PAGES_FOLDER = Path(__file__).parent / "pages"
SECTIONS = ("gallery", "news", "archive/2024", "stories")
Item = TypeVar("Item")


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A made-up site.

    Attributes:
        host: A reserved name (RFC 2606).
        title: Title of the site.
        subjects: Subjects of its images, from frequent to rare.
        details: Phrases that fit any of the subjects.
        moments: Times of day or year, for sites about the outdoors. Other sites don't use the
            patterns that need one.
    """

    host: str
    title: str
    subjects: tuple[str, ...]
    details: tuple[str, ...]
    moments: tuple[str, ...] = ()


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words and sites of one language.

    Attributes:
        name: English name.
        image_links: Number of image links on all its pages.
        noise: Texts of logos, icons and buttons, from frequent to rare.
        labels: Texts of plain links.
        patterns: Formats that combine subject, detail and moment to a caption.
        sites: Sites from large to small.
        captions: Captions that are used once.
    """

    name: str
    image_links: int
    noise: tuple[str, ...]
    labels: tuple[str, ...]
    patterns: tuple[str, ...]
    sites: tuple[Site, ...]
    captions: tuple[str, ...]


def read_languages(folder: Path = PAGES_FOLDER) -> dict[str, Language]:
    """Reads the file of every language; returns them by code."""
    return {path.stem: msgspec.json.decode(path.read_bytes(), type=Language) for path in sorted(folder.glob("*.json"))}


def language_pages(code: str, language: Language) -> Iterator[Page]:
    """Returns the pages of one language, with `language.image_links` images in all."""
    remaining = language.image_links
    number = 0
    while remaining:
        count = min(remaining, 8 + int(24 * _fraction(code, number, "images")))
        yield _page(code, language, number, count)
        remaining -= count
        number += 1


def _page(code: str, language: Language, number: int, count: int) -> Page:
    site = _zipf_choice(language.sites, code, number, "site")
    section = _choice(SECTIONS, code, number, "section")
    url = f"https://{site.host}/{section}/{number}.html"
    images: list[Image] = []
    for position in range(count):
        # Buttons, teasers and thumbnails repeat an image of the same page.
        if position > 2 and _fraction(url, position, "repeat") < 0.12:
            images.append(_choice(images, url, position, "repeated"))
        else:
            images.append(_image(language, site, url, position))
    links = [Anchor(f"/{index}", text=label) for index, label in enumerate(language.labels)]
    day, hour = 12 + number % 14, number % 24
    return Page(
        url=url,
        title=f"{_choice(site.subjects, url, 'title')} - {site.title}",
        images=tuple(images),
        links=tuple(links),
        lang=code,
        date=f"2025-07-{day}T{hour:02}:{number % 60:02}:00Z",
    )


def _image(language: Language, site: Site, page_url: str, position: int) -> Image:
    """Returns an image link: the site's logo, a button, an image without a text, or one with a text."""
    key = (page_url, position)
    if position == 0:
        return Image(_written("/assets/logo.png", *key), f"{site.title} {language.noise[0]}")
    kind = _fraction(*key, "kind")
    if kind < 0.28:
        label = _zipf_choice(language.noise, *key, "noise")
        return Image(_written(f"/assets/{_file_name(*key)}.png", *key), label)
    if kind < 0.48:
        alt = _choice((None, "", None, "", " "), *key, "empty")
        return Image(_written(f"/assets/line-{int(1000 * kind)}.png", *key), alt)
    return _captioned_image(language, site, page_url, position)


def _captioned_image(language: Language, site: Site, page_url: str, position: int) -> Image:
    key = (page_url, position)
    if _fraction(*key, "one-off") < 0.08:
        index = _index(len(language.captions), *key, "caption")
        path, caption = f"/photos/reader-{index}.jpg", language.captions[index]
    else:
        subject = _zipf_index(len(site.subjects), *key, "subject")
        detail = _zipf_index(len(site.details), *key, "detail")
        same = _fraction(*key, "same image") < 0.5
        name = f"{subject}-{detail}" if same else _file_name(*key)
        path, caption = f"/photos/{name}.jpg", _caption(language, site, *key)
    source = _fraction(*key, "source")
    if source < 0.06:  # loaded by a script, with a data: URL until then
        return Image("data:image/svg+xml,%3Csvg/%3E", caption)
    written = _written(path, *key)
    if source < 0.16:
        return Image(written, caption, caption)
    if source < 0.22:
        return Image(written, caption, site.title)
    if source < 0.26:
        return Image(written, title=caption)
    return Image(written, caption)


def _caption(language: Language, site: Site, *key: object) -> str:
    patterns = [pattern for pattern in language.patterns if site.moments or "{moment}" not in pattern]
    return _choice(patterns, *key, "pattern").format(
        subject=site.subjects[_zipf_index(len(site.subjects), *key, "subject")],
        detail=site.details[_zipf_index(len(site.details), *key, "detail")],
        moment=_choice(site.moments, *key, "moment") if site.moments else "",
    )


def _file_name(page_url: str, position: int) -> str:
    """Returns the name of an image that no other link has, as cameras and shops number them."""
    return f"{_index(10**6, page_url, position, 'file'):06}"


def _written(path: str, page_url: str, position: int) -> str:
    """Returns a URL on the page's own site, in 40 % of all cases a relative one."""
    host = urlsplit(page_url).netloc
    way = _fraction(page_url, position, "way")
    if way < 0.57:
        return f"https://{host}{path}"
    if way < 0.80:
        return path
    if way < 0.95:
        depth = urlsplit(page_url).path.count("/") - 1
        return "../" * depth + path[1:]
    if way < 0.98:
        return f"//{host}{path}"
    return f"?picture={position}"


def _fraction(*key: object) -> float:
    """Returns a number in [0, 1) that depends on the key alone."""
    text = "\n".join(map(str, key))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) * 2.0**-53


def _index(count: int, *key: object) -> int:
    return int(count * _fraction(*key))


def _choice(items: Sequence[Item], *key: object) -> Item:
    return items[_index(len(items), *key)]


def _zipf_index(count: int, *key: object) -> int:
    """Returns index i with a probability in proportion to 1 / (i + 1)."""
    target = _fraction(*key) * sum(1 / rank for rank in range(1, count + 1))
    for index in range(count):
        target -= 1 / (index + 1)
        if target < 0:
            return index
    return count - 1  # only reached through rounding


def _zipf_choice(items: Sequence[Item], *key: object) -> Item:
    return items[_zipf_index(len(items), *key)]
