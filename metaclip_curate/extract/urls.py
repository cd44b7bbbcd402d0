"""URLs of images, resolved as browsers do it (WHATWG URL standard)."""

from __future__ import annotations

import re

import ada_url

from metaclip_curate.extract.links import Drop, replace_surrogates

# What the URL standard strips from both ends of its input: C0 controls and space.
_STRIPPED = "".join(map(chr, range(0x21)))
_HTTP = ("https://", "http://")

# The short way: a call of the parser costs microseconds, and most URLs need nothing done. Of these characters none is
# percent-encoded in a path or a query, none ends the path but `?`, and none is removed.
_KEPT = r"A-Za-z0-9!$%&()*+,\-./;=?@_~|\[\]"
# A host of small ASCII letters, digits, hyphens and underscores stays as it is, unless a label is Punycode (`xn--`) or
# the last one is a number, which makes the host an IPv4 address.
_HOST = r"(?:[a-z0-9_\-]++\.)*+[a-z][a-z0-9_\-]*+"
_is_absolute = re.compile(rf"https?://{_HOST}/[{_KEPT}:]*+").fullmatch
_is_root_relative = re.compile(rf"/(?!/)[{_KEPT}:]*").fullmatch
# Neither a scheme nor a query, nor a segment of dots at its start; a dot may be written %2e.
_is_path_relative = re.compile(rf"[A-Za-z0-9_\-][{_KEPT}]*").fullmatch


class DocumentBase:
    """The URL against which a page's relative URLs resolve (HTML standard, section 4.2.3).

    Args:
        page_url: The page's address.
        base_href: The href of its <base>, which may be relative or empty; it counts where it can be parsed and is no
            data: or javascript: URL.

    Attributes:
        href: An absolute URL, or the page's address as it is where that can't be parsed.
    """

    def __init__(self, page_url: str, base_href: str = "") -> None:
        self.href = page_url
        if base_href:
            base = _join(page_url, replace_surrogates(base_href))
            if base is not None and not base.startswith(("data:", "javascript:")):
                self.href = base
        normal = self.href if _is_normal(self.href) else _normal_form(self.href)
        self._scheme = self._origin = self._folder = self._parent = ""
        if normal is not None and normal.startswith(_HTTP):
            self._scheme = normal[: normal.index("/")]
            path_start = normal.index("/", len("https://"))
            self._origin = normal[:path_start]
            path = normal.partition("#")[0].partition("?")[0]
            self._folder = path[: path.rindex("/") + 1]
            self._parent = self._folder[: self._folder.rfind("/", path_start, -1) + 1] or self._folder

    def resolve(self, url: str) -> str | Drop:
        """Resolves an image's URL.

        Args:
            url: The attribute's value.

        Returns:
            An absolute http or https URL without its fragment, or the reason why there is none.
        """
        # No segment is `.` or `..`, which resolving removes, but maybe the first; a dot may be written %2e.
        if "/." not in url and "/%2" not in url:
            start = url[:3]
            if start == "htt":
                if _is_absolute(url) and "xn--" not in url:
                    return url
            elif not self._origin:
                pass  # what is relative takes the long way to learn that there is nothing to resolve it with
            elif start[:2] == "//":
                absolute = self._scheme + url
                if _is_absolute(absolute) and "xn--" not in url:
                    return absolute
            elif start[:1] == "/":
                if _is_root_relative(url):
                    return self._origin + url
            elif start == "../":
                if _is_path_relative(url, 3):
                    return self._parent + url[3:]
            elif _is_path_relative(url):
                return self._folder + url
        if url.startswith("data:image/"):
            return Drop.NOT_HTTP
        return self._resolve_any(url)

    def _resolve_any(self, url: str) -> str | Drop:
        url = replace_surrogates(url)
        if not url.strip(_STRIPPED):
            return Drop.BAD_URL
        href = _join(self.href, url)
        if href is None:
            return Drop.BAD_URL
        if not href.startswith(_HTTP):
            return Drop.NOT_HTTP
        return href.partition("#")[0]


def _is_normal(url: str) -> bool:
    """Whether a URL is known to be its own normal form."""
    return "/." not in url and "/%2" not in url and "xn--" not in url and _is_absolute(url) is not None


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
