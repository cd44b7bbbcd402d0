"""A page, its images, and the texts of an image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

import msgspec

_LINE_BREAKS = str.maketrans("\n\r\t", "   ")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Drop(Enum):
    """Why a link yields nothing; the values are columns of the table `inputs`."""

    OPT_OUT = "dropped_opt_out"
    NO_TEXT = "dropped_no_text"
    BAD_URL = "dropped_bad_url"
    NOT_HTTP = "dropped_not_http"


class ImageLink(msgspec.Struct, frozen=True, gc=False, tag_field="path", tag="IMG@/src"):
    """An image as a page names it; what is missing is empty.

    It is a link of a WAT as well: it has the fields and the path that tell an image there, so that decoding JSON makes
    it without a step between.
    """

    url: str = ""
    alt: str = ""
    title: str = ""
    data_image_title: str = msgspec.field(default="", name="data-image-title")


class Page(NamedTuple):
    """What is needed of a page: its address, its <base>, and its images.

    Attributes:
        url: WARC-Target-URI.
        base: The href of its first <base>, empty where there is none.
        opted_out: Whether it must not be used.
        links: Its images.
        damage: What of it couldn't be read; empty where all could.
    """

    url: str
    base: str
    opted_out: bool
    links: list[ImageLink]
    damage: str = ""


def clean_text(raw: str) -> str:
    r"""Makes a text one line of valid Unicode: \n, \r and \t become spaces, the ends are stripped.

    Args:
        raw: An attribute's value; lone surrogates become U+FFFD.

    Returns:
        The text, maybe empty.
    """
    # Printable characters are none of those, and such a text is stripped of spaces only.
    if raw.isprintable():
        return raw.strip()
    return replace_surrogates(raw).translate(_LINE_BREAKS).strip()


def replace_surrogates(raw: str) -> str:
    """Puts U+FFFD in the place of each lone surrogate, as the encoding standard does."""
    return raw if raw.isascii() else _SURROGATES.sub("\ufffd", raw)


def texts_of_links(links: Iterable[ImageLink]) -> tuple[list[str], list[str], list[int]]:
    """Lists the texts of links: those of the attributes alt, title and data-image-title that aren't empty.

    Args:
        links: Any number.

    Returns:
        The texts, cleaned, in the order of the links and of the attributes; the attribute of each; and which link it
        is from, counted from 0.
    """
    texts: list[str] = []
    sources: list[str] = []
    places: list[int] = []
    for place, link in enumerate(links):
        if link.alt and (text := clean_text(link.alt)):
            texts.append(text)
            sources.append("alt")
            places.append(place)
        if link.title and (text := clean_text(link.title)):
            texts.append(text)
            sources.append("title")
            places.append(place)
        if link.data_image_title and (text := clean_text(link.data_image_title)):
            texts.append(text)
            sources.append("data-image-title")
            places.append(place)
    return texts, sources, places
