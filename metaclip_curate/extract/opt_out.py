"""Page-level opt-out: noai, noimageai, noml, the TDM Reservation Protocol and Content-Signal.

A page opts out by `<meta name="robots" content="noai">`, noimageai or noml, by the same words in an `X-Robots-Tag`
header, by `tdm-reservation: 1` as a header or a meta element (W3C TDMRep, sections 6 and 7), or by a `Content-Signal`
header with ai-train=no (contentsignals.org).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TDM, _CONTENT_SIGNAL = "tdm-reservation", "content-signal"
_META_NAMES = frozenset({"robots", _TDM})
_HEADER_NAMES = frozenset({"x-robots-tag", _TDM, _CONTENT_SIGNAL})
_NAMES = _META_NAMES | _HEADER_NAMES
# Whole words. X-Robots-Tag may name a robot first ("otherbot: noindex, noai"). Such a rule counts as well, since a page
# that names robots can't know this one.
_DIRECTIVE = re.compile(r"(?<![^\s,;:])no(?:(?:image)?ai|ml)(?![^\s,;:])")
_NO_TRAINING = re.compile(r"(?:^|[\s,;])ai-train\s*=\s*no(?:$|[\s,;])")


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
    if name.strip().lower() == _CONTENT_SIGNAL:
        return _NO_TRAINING.search(value.lower()) is not None
    return _DIRECTIVE.search(value.lower()) is not None
