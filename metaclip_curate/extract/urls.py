"""URLs of images, resolved as browsers do it (WHATWG URL standard)."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

import ada_url
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.extract.links import Drop, replace_surrogates

# A longer URL is a bad one. Few servers take it, the longest of real pages have a fifth of it, and a longer base would
# be copied for each of a page's images.
MAX_URL_BYTES = 8192

# What the URL standard strips from both ends of its input: C0 controls and space.
_STRIPPED = "".join(map(chr, range(0x21)))
_HTTP = ("https://", "http://")

# The short way: a call of the parser costs a microsecond, and most URLs need nothing done. One expression over all of
# them finds those (RE2, which has no backtracking). Of these characters none is percent-encoded in a path or a query,
# none ends the path but `?`, and none is removed.
_PLAIN = r"A-Za-z0-9!$&()*+,\-;=?@_~|\[\]:"
# No segment begins with a dot, as `.` and `..` do, which resolving removes; a dot may be written %2e.
_SEGMENT = rf"(?:[{_PLAIN}]|%[013-9A-Fa-f]|%2[0-9A-DFa-df])[{_PLAIN}.%]*"
# A host of small ASCII letters, digits, hyphens and underscores stays as it is, unless a label is Punycode (`xn--`) or
# the last one is a number, which makes the host an IPv4 address.
_AFTER_X = r"(?:[a-mo-z0-9_\-][a-z0-9_\-]*)?"
_HOST = rf"(?:(?:[a-wyz0-9_\-][a-z0-9_\-]*|x{_AFTER_X})\.)*(?:[a-wyz][a-z0-9_\-]*|x{_AFTER_X})"
_NORMAL = rf"^https?://{_HOST}(?:/(?:{_SEGMENT})?)+$"
# In a URL as the parser writes it, this is a user or a password: it leaves out an empty one.
_CREDENTIALS = re.compile(r"[a-z][a-z0-9+.\-]*://[^/?#]*@", re.IGNORECASE)
_PARTS = re.compile(r"((https?:)//[^/?#]+)/(?:[^?#]*/)?")
_NAME_START = frozenset(string.ascii_letters + string.digits + "-_")


class DocumentBase:
    """The URL against which a page's relative URLs resolve (HTML standard, section 4.2.3).

    Args:
        page_url: The page's address.
        base_href: The href of its <base>, which may be relative or empty; it counts where it can be parsed, has no more
            than MAX_URL_BYTES and is no data: or javascript: URL.

    Attributes:
        page_url: The page's address.
        href: An absolute URL, or the page's address as it is where that can't be parsed.
        is_usable: Whether the page's address isn't itself a bad URL, too long or with a user or a password. Of other
            pages every link is bad: their address would have to stand beside each pair.
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
        """Joins a relative URL to the base without parsing it.

        Args:
            url: The attribute's value.

        Returns:
            What the parser gives, if it is a normal URL; empty where only the parser can tell.
        """
        scheme, origin, folder = self._parts or self._cut_in_parts()
        start = url[:1]
        if start == "/":
            return scheme + url if url[1:2] == "/" else origin + url
        # Neither a scheme nor a query, nor a second step up.
        if ":" in url:
            return ""
        if start in _NAME_START:
            return folder + url
        if url[:3] == "../" and url[3:4] in _NAME_START:
            above = folder.rfind("/", len(origin), -1)
            return (folder[: above + 1] if above >= 0 else folder) + url[3:]
        return ""

    def _cut_in_parts(self) -> tuple[str, str, str]:
        """Returns the scheme, the origin and the folder's URL; empty where nothing can be joined to the base."""
        normal = self.href if _is_plain(self.href) else _normal_form(self.href)
        parts = _PARTS.match(normal or "")
        scheme, origin, folder = (parts[2], parts[1], parts[0]) if parts else ("", "", "")
        # What is joined to a longer one is too long as well, and isn't even made.
        self._parts = (scheme, origin, "" if _is_too_long(folder) else folder)
        return self._parts

    def resolve(self, url: str) -> str | Drop:
        """Resolves an image's URL.

        Args:
            url: The attribute's value.

        Returns:
            An absolute http or https URL without its fragment, of at most MAX_URL_BYTES and without a user or a
            password; or the reason why there is none.
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
    """Resolves many URLs, each against its own base, sooner than one by one.

    Args:
        urls: n values of attributes.
        bases: The bases of the pages that they are from.

    Returns:
        n resolved URLs, and why there are none at some places; an empty string stands there.
    """
    # Most are absolute; of a relative one that begins so the guess isn't a normal URL.
    found = [
        url if url[:4] == "http" and base.is_usable else base.guess(url) for base, url in zip(bases, urls, strict=True)
    ]
    dropped: dict[int, Drop] = {}
    try:
        guesses = pa.array(found, pa.string())
    except UnicodeEncodeError:  # a lone surrogate, in which a normal URL has no part
        guesses = pa.array([url if url.isascii() else "" for url in found], pa.string())
    short = pc.less_equal(pc.binary_length(guesses), MAX_URL_BYTES)
    normal = pc.and_(short, pc.match_substring_regex(guesses, _NORMAL))
    for place in np.flatnonzero(~normal.to_numpy(zero_copy_only=False)).tolist():
        url = bases[place].resolve(urls[place])
        if isinstance(url, Drop):
            dropped[place], url = url, ""
        found[place] = url
    return found, dropped


def _is_plain(url: str) -> bool:
    """Whether a URL's scheme, host and folder stand in it as the parser would find them, if they are normal at all."""
    return url.isprintable() and "\\" not in url and "/." not in url and "/%2" not in url


def _is_too_long(url: str) -> bool:
    # No character takes more than four bytes: most URLs needn't be encoded to know.
    return 4 * len(url) > MAX_URL_BYTES and len(url.encode("utf-8", "replace")) > MAX_URL_BYTES


def _has_credentials(url: str) -> bool:
    return _CREDENTIALS.match(_normal_form(url) or url) is not None


def _join(base: str, url: str) -> str | None:
    """Resolves a URL; None where that can't be done."""
    try:
        return str(ada_url.join_url(base, url))
    except ValueError:
        # An absolute URL needs no base, and the page's own address may be what can't be parsed.
        return _normal_form(url)


def _normal_form(url: str) -> str | None:
    try:
        return str(ada_url.normalize_url(url))
    except ValueError:
        return None
