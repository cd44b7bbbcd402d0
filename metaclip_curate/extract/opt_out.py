"""Page-level opt-out: noai, noimageai and the TDM Reservation Protocol.

A page opts out by `<meta name="robots" content="noai">` or noimageai, by the same words in an `X-Robots-Tag` header,
or by `tdm-reservation: 1` as a header or a meta element (W3C TDMRep, sections 6 and 7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_DIRECTIVES = frozenset({"noai", "noimageai"})
# X-Robots-Tag may name a robot first ("otherbot: noindex, noai"); such a rule counts as well, since a page that
# names robots can't know ours.
_SEPARATORS = re.compile(r"[\s,;:]+")


def opts_out(metas: Iterable[tuple[str, str]], headers: Iterable[tuple[str, str]]) -> bool:
    """Tells whether a page says that it must not be used.

    Args:
        metas: Name and content of the page's meta elements.
        headers: Name and value of the HTTP response's headers.

    Returns:
        True if any of them opts out. Names and directives are compared without regard to case.
    """
    return any(_declares(name, content, "robots") for name, content in metas) or any(
        _declares(name, value, "x-robots-tag") for name, value in headers
    )


def _declares(name: str, value: str, robots: str) -> bool:
    name = name.strip().lower()
    if name == robots:
        return not _DIRECTIVES.isdisjoint(_SEPARATORS.split(value.lower()))
    return name == "tdm-reservation" and value.strip() == "1"
