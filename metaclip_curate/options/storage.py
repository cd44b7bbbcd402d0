"""How inputs and run folders are reached: the options that all stages share."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option

_MOST_ATTEMPTS = 1000
_LONGEST_TIMEOUT = 86_400  # seconds; sockets can't wait much longer


@dataclass(frozen=True)
class StorageOptions:
    """Where data is and how patiently it is read; hashable and picklable, since the workers receive it.

    Raises:
        UserError: A number is out of range, or an address is malformed.
    """

    s3_anonymous: bool = option(False, "read s3:// without credentials (public buckets)", changes_output=False)
    s3_endpoint_url: str = option(
        "", "address of an S3-compatible service (default: Amazon's)", metavar="URL", changes_output=False
    )
    s3_region: str = option(
        "", "region of the buckets (default: from the environment)", metavar="NAME", changes_output=False
    )
    cc_base: str = option(
        "https://data.commoncrawl.org",
        "where paths that begin with crawl-data/ are: https://data.commoncrawl.org, s3://commoncrawl (faster within "
        "us-east-1, needs credentials) or a local folder",
        metavar="URL",
        changes_output=False,
    )
    max_attempts: int = option(
        8, "attempts in a row without a new byte after which an input fails", metavar="N", changes_output=False
    )
    read_timeout: float = option(
        60.0,
        "time without a byte, or below 1 KiB a second, after which a connection counts as broken",
        metavar="SECONDS",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        if not self.cc_base:
            raise UserError("--cc-base is empty: give an address or a folder")
        if self.s3_endpoint_url and not self.s3_endpoint_url.lower().startswith(("http://", "https://")):
            raise UserError("--s3-endpoint-url must be an address: write http://host:port or https://host")
        if not 1 <= self.max_attempts <= _MOST_ATTEMPTS:
            raise UserError(f"--max-attempts must be from 1 to {_MOST_ATTEMPTS:,}, not {self.max_attempts}")
        # The comparison is also false for NaN.
        if not 0 < self.read_timeout <= _LONGEST_TIMEOUT:
            raise UserError(
                f"--read-timeout must be above 0 and at most {_LONGEST_TIMEOUT:,} seconds, not {self.read_timeout:g}"
            )
