"""Public suffixes: domains below which others register theirs, such as `com`, `co.uk` and `github.io`.

The list is Mozilla's (publicsuffix.org, MPL-2.0), as the package publicsuffixlist contains it; nothing is downloaded.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import publicsuffixlist
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.screens.host_table import Hashes, string_hashes


def are_public_suffixes(hosts: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Returns which hosts are public suffixes.

    Args:
        hosts: n hosts in lower case and ASCII.
    """
    hashes, wildcards = _suffixes()
    found: npt.NDArray[np.bool_] = np.isin(string_hashes(hosts), hashes)
    of_wildcards = pc.match_substring_regex(hosts, wildcards).to_numpy(zero_copy_only=False)
    exceptions = pc.is_in(hosts, value_set=pa.array(_rules()[2], pa.string())).to_numpy(zero_copy_only=False)
    suffixes: npt.NDArray[np.bool_] = (found | of_wildcards) & ~exceptions
    return suffixes


@cache
def top_level_domains() -> frozenset[str]:
    """Returns the top-level domains, in ASCII."""
    return frozenset(rule for rule in _rules()[0] if "." not in rule)


@cache
def _suffixes() -> tuple[Hashes, str]:
    """Returns hashes of the plain rules, and a pattern of what the rules with a wildcard match."""
    plain, wildcards, _ = _rules()
    above = "|".join(re.escape(rule) for rule in wildcards)
    return np.sort(string_hashes(pa.array(plain, pa.string()))), rf"^[^.]+\.(?:{above})$"


@cache
def _rules() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Returns the rules: plain ones, what stands below a wildcard, and exceptions."""
    lines = Path(publicsuffixlist.PSLFILE).read_text("utf-8").splitlines()
    written = [line.split()[0] for line in lines if line.strip() and not line.startswith("//")]
    rules = [rule if rule.isascii() else rule.encode("idna").decode() for rule in written]
    plain = tuple(rule for rule in rules if not rule.startswith(("*.", "!")))
    wildcards = tuple(rule[2:] for rule in rules if rule.startswith("*."))
    return plain, wildcards, tuple(rule[1:] for rule in rules if rule.startswith("!"))
