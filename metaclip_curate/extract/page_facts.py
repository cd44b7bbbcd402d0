"""What a page declares about all of its pairs: its language and its Creative Commons licence."""

from __future__ import annotations

import re
from collections.abc import Collection

from metaclip_curate.extract.links import replace_surrogates
from metaclip_curate.extract.urls import DocumentBase

# A page is searched for a licence only if its bytes have this.
LICENSE_MARK = b"creativecommons.org"
# The longest language tag that a program needs to store (BCP 47, section 4.4.1).
_MOST_CHARACTERS = 35
_LICENSE = re.compile(r"https?://(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/")


def page_language(declared: str) -> str:
    """Returns the content of a page's `<html lang>` in lower case, cut off after 35 characters.

    Args:
        declared: The attribute's value; empty if there is none.
    """
    return replace_surrogates(declared).strip().lower()[:_MOST_CHARACTERS] if declared else ""


def is_license_link(rel: str) -> bool:
    """Returns whether a link's rel, a list of words in any case, has the word license."""
    return "license" in rel.lower().split()


def license_url(hrefs: Collection[str], base: DocumentBase) -> str:
    """Returns the URL of the first Creative Commons licence among links; empty if there is none.

    Args:
        hrefs: The href of each link with rel=license, as its page has it.
        base: The page's base.
    """
    if not hrefs:
        return ""
    resolved = (base.resolve(href) for href in hrefs)
    return next((url for url in resolved if isinstance(url, str) and _LICENSE.match(url)), "")
