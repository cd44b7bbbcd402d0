"""Which pages of a crawl are chosen."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from metaclip_curate.errors import UserError
from metaclip_curate.extract.crawl_index.hosts import HostPatterns
from metaclip_curate.extract.crawl_index.languages import language_codes

RANK_BITS = 63
_SPEC = re.compile(r"cc-index:([\w-]+)", re.ASCII)
_DIGEST_BYTES = 6


@dataclass(frozen=True)
class IndexQuery:
    """Pages of a crawl. Empty fields and 0 restrict nothing.

    Attributes:
        crawl: Name of the crawl, such as CC-MAIN-2025-30.
        languages: ISO 639-3 codes; a page is chosen if one of its languages is among them.
        hosts: Host patterns, as `HostPatterns.patterns`.
        limit: Largest number of pages.
        sample: Share of the pages.
        seed: Seed of the hash by which `limit` and `sample` choose.
    """

    crawl: str
    languages: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    limit: int = 0
    sample: float = 1.0
    seed: int = 0

    @classmethod
    def parse(
        cls, spec: str, languages: Sequence[str], hosts: Sequence[str], limit: int, sample: float, seed: int
    ) -> IndexQuery:
        """Makes a query of an input and the options about it.

        Args:
            spec: cc-index:CRAWL.
            languages: Codes of languages.
            hosts: Host patterns.
            limit: Largest number of pages; 0 for no limit.
            sample: Share of the pages, above 0 and at most 1.
            seed: Seed of the choice by `limit` and `sample`.

        Raises:
            UserError: One of them is malformed, or nothing restricts the pages.
        """
        match = _SPEC.fullmatch(spec)
        if match is None:
            raise UserError(f"{spec} names no crawl: write cc-index:CC-MAIN-2025-30")
        if not languages and not hosts and not limit and sample == 1:
            raise UserError(
                f"{spec} chooses every page: give --index-languages, --index-hosts, --index-limit or --index-sample, "
                f"or read whole files with cc:{match[1]}:warc"
            )
        # The seed decides nothing without a choice by hash, and must not make another selection of the same pages.
        used_seed = seed if limit or sample < 1 else 0
        patterns = HostPatterns(hosts).patterns
        return cls(match[1], language_codes(languages), patterns, limit, sample, used_seed)

    @property
    def name(self) -> str:
        """Name of the selection, which differs between two different queries."""
        digest = hashlib.blake2b(json.dumps(asdict(self), sort_keys=True).encode(), digest_size=_DIGEST_BYTES)
        return f"{self.crawl}-{digest.hexdigest()}"

    @property
    def chooses_by_hash(self) -> bool:
        """Whether the URLs are needed, for their hashes."""
        return bool(self.limit) or self.sample < 1

    @cached_property
    def host_patterns(self) -> HostPatterns:
        """The hosts."""
        return HostPatterns(self.hosts)

    def ranks(self, urls: Sequence[str]) -> npt.NDArray[np.int64]:
        """Returns a hash of (seed, URL) for each of n URLs, from 0 to 2^63 - 1.

        A page is sampled if its rank is below `sample` times 2^63, and of more than `limit` pages those with the
        smallest ranks are chosen. So a larger share or limit includes the pages of a smaller one.
        """
        salt = f"{self.seed}\n".encode()
        digests = b"".join(
            hashlib.blake2b(salt + url.encode("utf-8", "surrogateescape"), digest_size=8).digest() for url in urls
        )
        return (np.frombuffer(digests, dtype=">u8") >> np.uint64(1)).astype(np.int64)

    @property
    def rank_end(self) -> int:
        """Rank from which on pages aren't sampled."""
        return round(self.sample * float(1 << RANK_BITS))
