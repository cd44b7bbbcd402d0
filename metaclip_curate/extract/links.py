"""A link to its texts and its URL, or to the reason why it is dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import ada_url

_LINE_BREAKS = str.maketrans("\n\r\t", "   ")
_SURROGATES = re.compile("[\ud800-\udfff]")
# What the URL standard strips from both ends of its input: C0 controls and space.
_URL_STRIP = "".join(map(chr, range(0x21)))


class Drop(Enum):
    """Why a link yields nothing; the values are columns of the table `inputs`."""

    OPT_OUT = "dropped_opt_out"
    NO_TEXT = "dropped_no_text"
    BAD_URL = "dropped_bad_url"
    NOT_HTTP = "dropped_not_http"


class ImageLink(NamedTuple):
    """An image as a page names it; what is missing is empty."""

    url: str
    alt: str
    title: str
    data_image_title: str


@dataclass(frozen=True)
class Page:
    """What is needed of a page: its address, its <base>, and its images.

    Attributes:
        url: WARC-Target-URI.
        base: The href of its first <base>, empty where there is none.
        opted_out: Whether it must not be used.
        links: Its images.
    """

    url: str
    base: str
    opted_out: bool
    links: list[ImageLink]


def clean_text(raw: str) -> str:
    r"""Makes a text one line of valid Unicode: \n, \r and \t become spaces, the ends are stripped.

    Args:
        raw: An attribute's value; lone surrogates become U+FFFD.

    Returns:
        The text, maybe empty.
    """
    return replace_surrogates(raw).translate(_LINE_BREAKS).strip()


def replace_surrogates(raw: str) -> str:
    """Puts U+FFFD in the place of each lone surrogate, as the encoding standard does."""
    return raw if raw.isascii() else _SURROGATES.sub("\ufffd", raw)


def link_texts(link: ImageLink) -> list[tuple[str, str]]:
    """Lists the texts of a link.

    Returns:
        (text, text_source) for each attribute that isn't empty, in the order alt, title, data-image-title.
    """
    texts = []
    for raw, source in ((link.alt, "alt"), (link.title, "title"), (link.data_image_title, "data-image-title")):
        if raw:
            text = clean_text(raw)
            if text:
                texts.append((text, source))
    return texts


def document_base(page_url: str, base_href: str) -> str:
    """Finds the URL against which a page's relative URLs resolve (HTML standard, section 4.2.3).

    Args:
        page_url: The page's address.
        base_href: The href of its <base>, which may be relative or empty.

    Returns:
        An absolute URL; the page's own where the <base> can't be parsed or is a data: or javascript: URL.
    """
    if not base_href:
        return page_url
    base = _join(page_url, replace_surrogates(base_href))
    return page_url if base is None or base.startswith(("data:", "javascript:")) else base


def resolve_url(url: str, base: str) -> str | Drop:
    """Resolves an image's URL as browsers do (WHATWG URL standard).

    Args:
        url: The attribute's value.
        base: From `document_base`.

    Returns:
        An absolute http or https URL without its fragment, or the reason why there is none.
    """
    url = replace_surrogates(url)
    if not url.strip(_URL_STRIP):
        return Drop.BAD_URL
    href = _join(base, url)
    if href is None:
        return Drop.BAD_URL
    if not href.startswith(("https://", "http://")):
        return Drop.NOT_HTTP
    return href.partition("#")[0]


def _join(base: str, url: str) -> str | None:
    """Resolves a URL; None where that can't be done."""
    try:
        return str(ada_url.join_url(base, url))
    except ValueError:
        # An absolute URL needs no base, and the page's own address may be what can't be parsed.
        try:
            return str(ada_url.normalize_url(url))
        except ValueError:
            return None
