"""Screens that look at the hosts of images and pages."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.screens.addresses import PRIVATE_ENDINGS, PRIVATE_NAMES, names_a_private_host
from metaclip_curate.screens.host_list import WITH_SUBDOMAINS
from metaclip_curate.screens.host_table import HostTable, domain_hashes, string_hashes
from metaclip_curate.screens.hosts import Hosts
from metaclip_curate.screens.pairs import Mask, ScreenedPairs

# A name that isn't private unless it has one of the private endings.
_ORDINARY = r"^[a-z0-9_.-]+\.[a-z]{2,}$"
_PRIVATE = "(?:" + "|".join(map(re.escape, PRIVATE_ENDINGS)) + ")$"


class HostScreen:
    """Rejects pairs whose image or page is on a listed host or below it.

    Args:
        table: Hosts with the numbers of `host_list`: one that is a public suffix stands for itself alone.
    """

    reason = "host"

    def __init__(self, table: HostTable) -> None:
        self._table = table

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which pairs have a listed host."""
        return self.rejects_hosts(pairs.image_hosts) | self.rejects_hosts(pairs.page_hosts)

    def rejects_hosts(self, hosts: Hosts) -> Mask:
        """Returns which of n URLs have a listed host."""
        hashes = domain_hashes(hosts.names)
        listed = self._table.find(hashes.whole) >= 0
        listed[hashes.owners[self._table.find(hashes.above) == WITH_SUBDOMAINS]] = True
        return hosts.spread(listed)


class HostPolicyScreen:
    """Rejects pairs whose image's or page's host forbids that it is used.

    Args:
        table: Hosts, each with the number of its rule.
        rules: Names of the rules by their numbers.
    """

    reason = "host_policy"

    def __init__(self, table: HostTable, rules: Sequence[str]) -> None:
        self._table = table
        self.rules = rules

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which pairs have a host that forbids."""
        rejected: Mask = self.rules_of(pairs) >= 0
        return rejected

    def rules_of(self, pairs: ScreenedPairs) -> npt.NDArray[np.int16]:
        """Returns the number of each pair's rule, that of the image's host first, and -1 without one."""
        both = (pairs.image_hosts, pairs.page_hosts)
        of_images, of_pages = (hosts.spread(self._table.find(string_hashes(hosts.names))) for hosts in both)
        return np.where(of_images >= 0, of_images, of_pages)


class PrivateAddressScreen:
    """Rejects pairs whose image isn't on the public internet."""

    reason = "private_address"

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which pairs have an image at a loopback, link-local or private address."""
        names = pairs.image_hosts.names
        is_ordinary = pc.match_substring_regex(names, _ORDINARY)
        suspects = pc.or_(pc.invert(is_ordinary), pc.match_substring_regex(names, _PRIVATE))
        suspects = pc.or_(suspects, pc.is_in(names, value_set=pa.array(PRIVATE_NAMES)))
        rows = np.flatnonzero(suspects.to_numpy(zero_copy_only=False))
        private = np.zeros(len(names), np.bool_)
        # A URL without a host, of a pool, has no address.
        private[rows] = [bool(name) and names_a_private_host(name) for name in names.take(pa.array(rows)).to_pylist()]
        return pairs.image_hosts.spread(private)
