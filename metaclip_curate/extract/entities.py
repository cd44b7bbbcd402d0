"""Character references that old WATs carry in texts and URLs.

Until June 2019 the extractor that makes Common Crawl's WATs left `&amp;` and its like in attributes as the page had
them (its project's issue 14; the repaired one made CC-MAIN-2019-26 and later). A WAT says when its extractor was built
or when it was run. Where it says neither, nothing is decoded: a page that writes about `&amp;` has it after decoding.
"""

from __future__ import annotations

import html
import re
from html.entities import html5

_REPAIRED = "20190613"  # the day on which the fault was reported; builds in use before it had it
_REPAIRED_CRAWL = "CC-MAIN-2019-26"
_BUILD_DAY = re.compile(rb"^Software-Info:\s*ia-web-commons\.[^\r\n]*-(\d{8})\d{6}\s*$", re.MULTILINE)
_EXTRACTED = re.compile(rb"^Extracted-Date:\s*\w{3},\s+(\d{1,2})\s+(\w{3})\s+(\d{4})", re.MULTILINE)
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_REFERENCE = re.compile(r"&(?:#0*([0-9]+);?|#[xX]0*([0-9a-fA-F]+);?|([A-Za-z][A-Za-z0-9]*;?))")
_MOST_DIGITS = 7  # of a code point; int() refuses thousands


def has_raw_entities(warcinfo: bytes, crawl: str) -> bool:
    """Tells whether a WAT's extractor left character references undecoded.

    Args:
        warcinfo: The block of the WAT's first record, its warcinfo; empty where it has none.
        crawl: The crawl's name, empty where it isn't known.

    Returns:
        True where the extractor is known to be of before June 2019.
    """
    build = _BUILD_DAY.search(warcinfo)
    if build:
        return build.group(1).decode() < _REPAIRED
    extracted = _EXTRACTED.search(warcinfo)
    if extracted and extracted.group(2) in _MONTHS:
        day, month, year = int(extracted.group(1)), _MONTHS.index(extracted.group(2)) + 1, int(extracted.group(3))
        return f"{year:04d}{month:02d}{day:02d}" < _REPAIRED
    # Names of crawls sort by their time: CC-MAIN-2014-35.
    return not warcinfo and "" < crawl < _REPAIRED_CRAWL


def decode_attribute(value: str) -> str:
    """Decodes the character references of an attribute (HTML standard, section 13.2.5.72 and following).

    Args:
        value: An attribute's value as the page has it.

    Returns:
        The value as a browser sees it. A name without a semicolon counts only where the standard knows it so and no
        `=` or letter follows, so that `?a&copy=1` stays.
    """
    if "&" not in value:
        return value

    def decoded(found: re.Match[str]) -> str:
        decimal, hexadecimal, name = found.groups()
        if name is not None:
            known = name in html5 and (name.endswith(";") or value[found.end() : found.end() + 1] != "=")
            return html5[name] if known else found[0]
        if len(decimal or hexadecimal) > _MOST_DIGITS:
            return "\ufffd"
        # html.unescape drops control characters, which the standard keeps.
        return html.unescape(found[0]) or chr(int(decimal) if decimal else int(hexadecimal, 16))

    return _REFERENCE.sub(decoded, value)
