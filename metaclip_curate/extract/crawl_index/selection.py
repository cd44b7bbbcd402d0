"""Names of inputs that are some records of a WARC."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

_DIGEST_BYTES = 8
_MARK = "#"


def records_digest(offsets: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> str:
    """Returns a digest of the records of a WARC: 16 hex digits.

    Args:
        offsets: Offsets of n records, ascending.
        lengths: Their lengths, bytes as stored.
    """
    pairs = np.stack([offsets, lengths], axis=1).astype("<i8")
    return hashlib.blake2b(pairs.tobytes(), digest_size=_DIGEST_BYTES).hexdigest()


def selected_name(warc: str, digest: str) -> str:
    """Returns the name of an input: another choice of records of the same WARC is another input."""
    return f"{warc}{_MARK}{digest}"


def warc_of(name: str) -> tuple[str, str]:
    """Returns the WARC and the digest in an input's name."""
    warc, _, digest = name.rpartition(_MARK)
    return warc, digest
