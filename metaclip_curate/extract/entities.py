"""Character references in the texts and URLs of old WATs.

Until June 2019 the extractor that makes Common Crawl's WATs left character references such as `&amp;` in attributes
undecoded (issue 14 of ia-web-commons; CC-MAIN-2019-26 is the first crawl without the fault). A WAT records when its
extractor was built or run. If it records neither, nothing is decoded here: a decoded text may contain `&amp;` too.
"""

from __future__ import annotations

import html
import re
from html.entities import html5

_REPAIRED = "20190613"  # the day on which the fault was reported; earlier builds have it
_REPAIRED_CRAWL = "CC-MAIN-2019-26"
_BUILD_DAY = re.compile(rb"^Software-Info:\s*ia-web-commons\.[^\r\n]*-(\d{8})\d{6}\s*$", re.MULTILINE)
_EXTRACTED = re.compile(rb"^Extracted-Date:\s*\w{3},\s+(\d{1,2})\s+(\w{3})\s+(\d{4})", re.MULTILINE)
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_REFERENCE = re.compile(r"&(?:#0*([0-9]+);?|#[xX]0*([0-9a-fA-F]+);?|([A-Za-z][A-Za-z0-9]*;?))")
_MOST_DIGITS = 7  # of a code point; int() refuses thousands


def has_raw_entities(warcinfo: bytes, crawl: str) -> bool:
    """Returns whether a WAT's extractor is known to have left character references undecoded.

    Args:
        warcinfo: Block of the WAT's warcinfo record; empty if it has none.
        crawl: Name of the crawl; empty if unknown.
    """
    build = _BUILD_DAY.search(warcinfo)
    if build:
        return build.group(1).decode() < _REPAIRED
    extracted = _EXTRACTED.search(warcinfo)
    if extracted and extracted.group(2) in _MONTHS:
        day, month, year = int(extracted.group(1)), _MONTHS.index(extracted.group(2)) + 1, int(extracted.group(3))
        return f"{year:04d}{month:02d}{day:02d}" < _REPAIRED
    # Names of crawls, such as CC-MAIN-2014-35, sort by time.
    return not warcinfo and "" < crawl < _REPAIRED_CRAWL


def decode_attribute(value: str) -> str:
    """Decodes the character references of an attribute (HTML standard, section 13.2.5.72 and following).

    Args:
        value: An attribute's value as it is in the page's source.

    Returns:
        The value as a browser sees it. A name without a semicolon is decoded only if the standard has it in that form
        and neither `=` nor a letter follows, so that `?a&copy=1` stays.
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
