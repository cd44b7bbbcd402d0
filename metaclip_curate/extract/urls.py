"""Image URLs, resolved as browsers resolve them (WHATWG URL standard)."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

import ada_url
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.extract.links import Drop, replace_surrogates

# Longer URLs are dropped as bad. Few servers accept them, the longest ones of real pages have a fifth of this, and a
# longer base would be copied for each of a page's images.
MAX_URL_BYTES = 8192

# Characters that the URL standard strips from both ends of its input: C0 controls and space.
_STRIPPED = "".join(map(chr, range(0x21)))
_HTTP = ("https://", "http://")

# A call of the parser takes a microsecond, and most URLs are normalised already. One expression over all URLs finds
# those (RE2, which doesn't backtrack). It has the characters that are neither percent-encoded in a path or a query, nor
# removed, nor end the path, except `?`.
_PLAIN = r"A-Za-z0-9!$&()*+,\-;=?@_~|\[\]:"
# No segment begins with a dot, which may be written %2e: resolving removes `.` and `..`.
_SEGMENT = rf"(?:[{_PLAIN}]|%[013-9A-Fa-f]|%2[0-9A-DFa-df])[{_PLAIN}.%]*"
# A host of lower-case ASCII letters, digits, hyphens and underscores stays as it is, unless a label is Punycode
# (`xn--`) or the last label is a number, which makes the host an IPv4 address.
_AFTER_X = r"(?:[a-mo-z0-9_\-][a-z0-9_\-]*)?"
_HOST = rf"(?:(?:[a-wyz0-9_\-][a-z0-9_\-]*|x{_AFTER_X})\.)*(?:[a-wyz][a-z0-9_\-]*|x{_AFTER_X})"
_NORMAL = rf"^https?://{_HOST}(?:/(?:{_SEGMENT})?)+$"
# Matches a user or a password in a URL that the parser has normalised, which drops empty ones.
_CREDENTIALS = re.compile(r"[a-z][a-z0-9+.\-]*://[^/?#]*@", re.IGNORECASE)
_PARTS = re.compile(r"((https?:)//[^/?#]+)/(?:[^?#]*/)?")
_NAME_START = frozenset(string.ascii_letters + string.digits + "-_")


class DocumentBase:
    """The URL against which a page's relative URLs resolve (HTML standard, section 4.2.3).

    Args:
        page_url: URL of the page.
        base_href: The href of its <base>, which may be relative or empty. It is ignored if it can't be parsed, has more
            than MAX_URL_BYTES, or is a data: or javascript: URL.

    Attributes:
        page_url: URL of the page.
        href: Absolute URL of the base, or the page's URL as it is if that can't be parsed.
        is_usable: Whether the page's URL is neither too long nor has a user or a password. All links of other pages are
            bad, since each pair would carry that URL.
    """

    def __init__(self, page_url: str, base_href: str = "") -> None:
        self.page_url = self.href = page_url
        self.is_usable = not _is_too_long(page_url) and not ("@" in page_url and _has_credentials(page_url))
        self._parts: tuple[str, str, str] | None = None if self.is_usable else ("", "", "")
        if base_href and self.is_usable:
            base = _join(page_url, replace_surrogates(base_href))
            if base is not None and not base.startswith(("data:", "javascript:")):
                base = base.partition("#")[0]
                self.href = page_url if _is_too_long(base) else base

    def guess(self, url: str) -> str:
        """Joins a URL to the base without parsing it.

        Args:
            url: An attribute's value.

        Returns:
            The URL that the parser would return, provided that `_NORMAL` matches it; empty if only the parser knows.
        """
        scheme, origin, folder = self._parts or self._cut_in_parts()
        start = url[:1]
        if start == "/":
            return scheme + url if url[1:2] == "/" else origin + url
        # The URL must have neither a scheme nor more than one step up.
        if ":" in url:
            return ""
        if start in _NAME_START:
            return folder + url
        if url[:3] == "../" and url[3:4] in _NAME_START:
            above = folder.rfind("/", len(origin), -1)
            return (folder[: above + 1] if above >= 0 else folder) + url[3:]
        return ""

    def _cut_in_parts(self) -> tuple[str, str, str]:
        """Returns scheme, origin and folder of the base, or empty strings if URLs can't be joined to it."""
        normal = self.href if _is_plain(self.href) else _normal_form(self.href)
        parts = _PARTS.match(normal or "")
        scheme, origin, folder = (parts[2], parts[1], parts[0]) if parts else ("", "", "")
        # URLs joined to a longer folder would be too long as well, so they aren't made.
        self._parts = (scheme, origin, "" if _is_too_long(folder) else folder)
        return self._parts

    def resolve(self, url: str) -> str | Drop:
        """Resolves an image's URL.

        Args:
            url: An attribute's value.

        Returns:
            An absolute http or https URL of at most MAX_URL_BYTES, without fragment, user and password; or the reason
            to drop the image.
        """
        if not self.is_usable:
            return Drop.BAD_URL
        if url.startswith("data:image/"):
            return Drop.NOT_HTTP
        url = replace_surrogates(url)
        if not url.strip(_STRIPPED):
            return Drop.BAD_URL
        href = _join(self.href, url)
        if href is None:
            return Drop.BAD_URL
        if not href.startswith(_HTTP):
            return Drop.NOT_HTTP
        href = href.partition("#")[0]
        return Drop.BAD_URL if _is_too_long(href) or _CREDENTIALS.match(href) else href


def resolve_urls(urls: Sequence[str], bases: Sequence[DocumentBase]) -> tuple[list[str], dict[int, Drop]]:
    """Resolves many URLs, each against its own base, in less time than one by one.

    Args:
        urls: n attribute values.
        bases: n bases of their pages.

    Returns:
        n resolved URLs, empty for those that are dropped; and the reasons for these, by index.
    """
    # Most URLs are absolute. A relative URL that begins with http doesn't match _NORMAL.
    found = [
        url if url[:4] == "http" and base.is_usable else base.guess(url) for base, url in zip(bases, urls, strict=True)
    ]
    dropped: dict[int, Drop] = {}
    try:
        guesses = pa.array(found, pa.string())
    except UnicodeEncodeError:  # a lone surrogate, which no normalised URL has
        guesses = pa.array([url if url.isascii() else "" for url in found], pa.string())
    for index in _not_normal(guesses):
        url = bases[index].resolve(urls[index])
        if isinstance(url, Drop):
            dropped[index], url = url, ""
        found[index] = url
    return found, dropped


def resolve_absolute(urls: pa.StringArray) -> tuple[pa.StringArray, dict[int, Drop]]:
    """Resolves URLs without a page, of which only absolute ones can be.

    Args:
        urls: n URLs, without nulls.

    Returns:
        n resolved URLs, empty for those that are dropped; and the reasons for these, by index.
    """
    base = DocumentBase("")
    dropped: dict[int, Drop] = {}
    others = _not_normal(urls)
    if not others:
        return urls, dropped
    resolved = []
    for index, url in zip(others, urls.take(pa.array(others)).to_pylist(), strict=True):
        found = base.resolve(url)
        if isinstance(found, Drop):
            dropped[index], found = found, ""
        resolved.append(found)
    mask = np.zeros(len(urls), dtype=bool)
    mask[others] = True
    return pc.replace_with_mask(urls, pa.array(mask), pa.array(resolved, pa.string())), dropped


def _not_normal(urls: pa.StringArray) -> list[int]:
    """Returns the indices of URLs that may not be in normal form."""
    short = pc.less_equal(pc.binary_length(urls), MAX_URL_BYTES)
    normal = pc.and_(short, pc.match_substring_regex(urls, _NORMAL))
    indices: list[int] = np.flatnonzero(~normal.to_numpy(zero_copy_only=False)).tolist()
    return indices


def _is_plain(url: str) -> bool:
    """Returns whether scheme, host and folder can be cut from a URL as it is, provided that `_NORMAL` matches it."""
    return url.isprintable() and "\\" not in url and "/." not in url and "/%2" not in url


def _is_too_long(url: str) -> bool:
    # No character takes more than four bytes, so most URLs needn't be encoded to be measured.
    return 4 * len(url) > MAX_URL_BYTES and len(url.encode("utf-8", "replace")) > MAX_URL_BYTES


def _has_credentials(url: str) -> bool:
    return _CREDENTIALS.match(_normal_form(url) or url) is not None


def _join(base: str, url: str) -> str | None:
    """Resolves a URL; returns None if it can't be parsed."""
    try:
        return str(ada_url.join_url(base, url))
    except ValueError:
        # Only the base may be malformed, and an absolute URL needs none.
        return _normal_form(url)


def _normal_form(url: str) -> str | None:
    try:
        return str(ada_url.normalize_url(url))
    except ValueError:
        return None
