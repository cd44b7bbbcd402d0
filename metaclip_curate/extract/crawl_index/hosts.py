"""Hosts by name and by domain, and the parts of a sorted index in which they can be.

The index is sorted by SURT keys (https://github.com/internetarchive/surt): the host's labels from the last to the
first, without a www at its beginning, then the port or a closing parenthesis, then the path. `www.example.org/a` has
the key `org,example)/a`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from metaclip_curate.errors import UserError

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_WWW = re.compile(r"www\d*\.")
# Sorts after "," and ")" and ":", of which one follows a host or a domain in a SURT key, and before letters.
_AFTER = ";"


class HostPatterns:
    """Hosts that were asked for.

    Args:
        given: Names such as example.org, which mean the host and its subdomains, and *.ke, which means subdomains only.

    Attributes:
        patterns: The names, checked, in lower case, sorted, each once.

    Raises:
        UserError: A name is malformed.
    """

    def __init__(self, given: Sequence[str]) -> None:
        self.patterns = tuple(sorted({_checked(each) for each in given}))
        self._with_subdomains = {each for each in self.patterns if not each.startswith("*.")}
        self._above = self._with_subdomains | {each[2:] for each in self.patterns if each.startswith("*.")}

    def match(self, hosts: pa.ChunkedArray) -> pa.ChunkedArray:
        """Returns which hosts were asked for.

        Args:
            hosts: n host names, of which many repeat; strings.

        Returns:
            n booleans.
        """
        names = hosts.combine_chunks().dictionary_encode()
        found = pa.array(
            [name is not None and self._matches(name) for name in names.dictionary.to_pylist()], pa.bool_()
        )
        return found.take(names.indices).fill_null(False)

    def may_be_in(self, smallest: str, largest: str) -> bool:
        """Returns whether a host that was asked for may have a SURT key between two others.

        Args:
            smallest: Smallest key of a part of the index.
            largest: Largest key.
        """
        return any(
            key <= largest and smallest < key + _AFTER for pattern in self.patterns for key in _surt_beginnings(pattern)
        )

    def _matches(self, host: str) -> bool:
        host = host.rstrip(".").lower()
        if host in self._with_subdomains:
            return True
        start = host.find(".")
        while start >= 0:
            if host[start + 1 :] in self._above:
                return True
            start = host.find(".", start + 1)
        return False


def _checked(given: str) -> str:
    wildcard, name = ("*.", given[2:]) if given.startswith("*.") else ("", given)
    try:
        ascii_name = name.strip().rstrip(".").lower().encode("idna").decode()
    except UnicodeError:
        ascii_name = ""
    if not _NAME.fullmatch(ascii_name):
        raise UserError(
            f"--index-hosts {given!r} is no host: write example.org for it and its subdomains, or *.ke for a domain"
        )
    return wildcard + ascii_name


def _surt_beginnings(pattern: str) -> list[str]:
    """Returns with what the SURT keys of a pattern's hosts begin."""
    name = pattern.removeprefix("*.")
    # Addresses of numbers aren't reversed.
    beginnings = [",".join(reversed(name.split(".")))]
    if name.rpartition(".")[2].isdigit():
        beginnings.append(name)
    if _WWW.match(name):
        beginnings.append(",".join(reversed(name.split(".")[1:])))
    return beginnings
