"""A screen for the licences that pages declare."""

from __future__ import annotations

import re
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.options.screens import LICENSES
from metaclip_curate.screens.pairs import Mask, ScreenedPairs, mask_of

_OLDER_ORDER = {"by-nd-nc": "by-nc-nd"}  # of version 1.0
_CODE = re.compile(r"https?://(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)(?:/|$)", re.IGNORECASE)


def license_code(url: str) -> str:
    """Returns the short name of a Creative Commons licence, one of `options.screens.LICENSES`; empty for any other.

    Args:
        url: URL of the licence, of any version and country.
    """
    found = _CODE.match(url)
    written = found[1].lower() if found else ""
    code = _OLDER_ORDER.get(written, written)
    return code if code in LICENSES else ""


class LicenseScreen:
    """Rejects pairs whose page declares none of some licences.

    Args:
        allowed: Short names of licences, of `options.screens.LICENSES`.
    """

    reason = "license"

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(allowed)

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which pairs have another licence or none."""
        # A few hundred different URLs at most.
        encoded = pairs.column("license").dictionary_encode()
        rejected = [license_code(url) not in self._allowed for url in encoded.dictionary.to_pylist()]
        return mask_of(pc.fill_null(pa.array(rejected, pa.bool_()).take(encoded.indices), True))
