"""A page, its images, and the texts of an image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# Matches every text that `clean_text` changes, and others. Of white space, RE2's \s has five characters.
_SPACE = r"[\s\x0b\x1c-\x1f\x{85}\p{Z}]"
_MAY_BE_UNCLEAN = rf"[\n\r\t]|^{_SPACE}|{_SPACE}$"
_FIRST_CONTROL, _LAST_CONTROL, _SPACE_BYTE, _NOT_ASCII = ord("\t"), ord("\r"), ord(" "), 0x80
_LINE_BREAKS = str.maketrans("\n\r\t", "   ")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Drop(Enum):
    """Reasons to drop a link; the values are columns of the table `inputs`."""

    OPT_OUT = "dropped_opt_out"
    NO_TEXT = "dropped_no_text"
    BAD_URL = "dropped_bad_url"
    NOT_HTTP = "dropped_not_http"


class ImageLink(msgspec.Struct, frozen=True, gc=False, tag_field="path", tag="IMG@/src"):
    """An image as its page names it. Missing attributes are empty.

    The fields and the tag are those of a link in a WAT, so that decoding a WAT's JSON creates these objects directly.
    """

    url: str = ""
    alt: str = ""
    title: str = ""
    data_image_title: str = msgspec.field(default="", name="data-image-title")


class Page(NamedTuple):
    """A page's URL, <base> and images.

    Attributes:
        url: The record's WARC-Target-URI.
        base: The href of the first <base>; empty if there is none.
        opted_out: Whether the page must not be used.
        links: The page's images.
        language: The language that the page declares; empty if it declares none.
        license_links: The href of each link with rel=license, searched for only if the page names Creative Commons.
        damage: Description of the part that couldn't be read; empty if all could.
    """

    url: str
    base: str
    opted_out: bool
    links: list[ImageLink]
    language: str = ""
    license_links: tuple[str, ...] = ()
    damage: str = ""


def clean_text(raw: str) -> str:
    r"""Returns a text as one line of valid Unicode.

    Args:
        raw: An attribute's value.

    Returns:
        The text with spaces for \n, \r and \t and U+FFFD for lone surrogates, without white space at its ends; it may
        be empty.
    """
    # None of those characters is printable, and a printable text has no other white space than spaces at its ends.
    if raw.isprintable():
        return raw.strip()
    return replace_surrogates(raw).translate(_LINE_BREAKS).strip()


def clean_texts(raw: pa.StringArray) -> pa.StringArray:
    """Returns texts as `clean_text` does, in less time than one by one; nulls become empty.

    Args:
        raw: Texts in valid UTF-8.
    """
    raw = raw.fill_null("") if raw.null_count else raw
    unclean = _may_be_unclean(raw)
    if not len(unclean):
        return raw
    cleaned = [clean_text(text) for text in raw.take(pa.array(unclean)).to_pylist()]
    mask = np.zeros(len(raw), np.bool_)
    mask[unclean] = True
    return pc.replace_with_mask(raw, pa.array(mask), pa.array(cleaned, pa.string()))


def _may_be_unclean(texts: pa.StringArray) -> npt.NDArray[np.int64]:
    """Returns the indices of all texts that `clean_text` changes, and perhaps of others."""
    _, offsets, buffer = texts.buffers()
    if not len(texts) or buffer is None:
        return np.empty(0, np.int64)
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(buffer, np.uint8)
    used = data[bounds[0] : bounds[-1]]
    if not len(used):
        return np.empty(0, np.int64)
    candidates = np.arange(len(texts))
    # In a batch without line breaks and tabs, only the ends of a text matter.
    if not ((used >= _FIRST_CONTROL) & (used <= _LAST_CONTROL)).any():
        filled = bounds[1:] > bounds[:-1]
        edges = data[np.stack([np.where(filled, bounds[:-1], bounds[0]), np.where(filled, bounds[1:] - 1, bounds[0])])]
        candidates = np.flatnonzero(filled & ((edges <= _SPACE_BYTE) | (edges >= _NOT_ASCII)).any(axis=0))
    found = pc.match_substring_regex(texts.take(pa.array(candidates)), _MAY_BE_UNCLEAN)
    unclean: npt.NDArray[np.int64] = candidates[found.to_numpy(zero_copy_only=False)]
    return unclean


def replace_surrogates(raw: str) -> str:
    """Replaces each lone surrogate by U+FFFD, as the WHATWG encoding standard does."""
    return raw if raw.isascii() else _SURROGATES.sub("\ufffd", raw)


def texts_of_links(links: Iterable[ImageLink]) -> tuple[list[str], list[str], list[int]]:
    """Returns the texts of links: the attributes alt, title and data-image-title that aren't empty.

    Args:
        links: Any number of links.

    Returns:
        The cleaned texts in the order of the links and of the attributes; the attribute of each; and the index of the
        link of each.
    """
    texts: list[str] = []
    sources: list[str] = []
    indices: list[int] = []
    for index, link in enumerate(links):
        if link.alt and (text := clean_text(link.alt)):
            texts.append(text)
            sources.append("alt")
            indices.append(index)
        if link.title and (text := clean_text(link.title)):
            texts.append(text)
            sources.append("title")
            indices.append(index)
        if link.data_image_title and (text := clean_text(link.data_image_title)):
            texts.append(text)
            sources.append("data-image-title")
            indices.append(index)
    return texts, sources, indices
