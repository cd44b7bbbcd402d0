"""Page-level opt-out: noai, noimageai and the TDM Reservation Protocol.

A page opts out by `<meta name="robots" content="noai">` or noimageai, by the same words in an `X-Robots-Tag` header,
or by `tdm-reservation: 1` as a header or a meta element (W3C TDMRep, sections 6 and 7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TDM = "tdm-reservation"
_META_NAMES = frozenset({"robots", _TDM})
_HEADER_NAMES = frozenset({"x-robots-tag", _TDM})
_NAMES = _META_NAMES | _HEADER_NAMES
# Whole words. X-Robots-Tag may name a robot first ("otherbot: noindex, noai"). Such a rule counts as well, since a page
# that names robots can't know this one.
_DIRECTIVE = re.compile(r"(?<![^\s,;:])no(?:image)?ai(?![^\s,;:])")


def opts_out(metas: Iterable[tuple[str, str]], headers: Iterable[tuple[str, str]]) -> bool:
    """Returns whether a page opts out. Names and directives are case-insensitive.

    Args:
        metas: Name and content of each meta element.
        headers: Name and value of each header of the HTTP response.
    """
    return any(name.strip().lower() in _META_NAMES and _declares(name, content) for name, content in metas) or any(
        name.strip().lower() in _HEADER_NAMES and _declares(name, value) for name, value in headers
    )


def may_opt_out(name: str) -> bool:
    """Returns whether a meta element or a header of this name can opt out, whatever its value."""
    return name.strip().lower() in _NAMES


def _declares(name: str, value: str) -> bool:
    if name.strip().lower() == _TDM:
        return value.strip() == "1"
    return _DIRECTIVE.search(value.lower()) is not None
