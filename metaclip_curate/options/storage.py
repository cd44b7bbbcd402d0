"""How inputs and run folders are reached: the options that every stage shares."""

from dataclasses import dataclass, field

from metaclip_curate.errors import UserError

_MOST_ATTEMPTS = 1000
_LONGEST_TIMEOUT = 86_400  # seconds; sockets can't wait for ever so much longer


@dataclass(frozen=True)
class StorageOptions:
    """Where data is and how patiently it is read; hashable and picklable, for it goes to the workers.

    Raises:
        UserError: a number is out of range.
    """

    s3_anonymous: bool = field(default=False, metadata={"help": "read s3:// without credentials (public buckets)"})
    s3_endpoint_url: str = field(default="", metadata={"help": "address of an S3-compatible service; empty: Amazon's"})
    s3_region: str = field(default="", metadata={"help": "region of the buckets; empty: what the environment says"})
    cc_base: str = field(
        default="https://data.commoncrawl.org",
        metadata={
            "help": "where crawl-data/... paths lie: https://data.commoncrawl.org, s3://commoncrawl "
            "(faster within us-east-1, needs credentials) or a local folder"
        },
    )
    max_attempts: int = field(
        default=8,
        metadata={"help": "tries in a row without a new byte before an input is given up"},
    )
    read_timeout: float = field(
        default=60.0,
        metadata={"help": "seconds without a byte, or below 1 KiB a second, after which a connection counts as broken"},
    )

    def __post_init__(self) -> None:
        if not self.cc_base:
            raise UserError("--cc-base is empty; give an address or a folder.")
        if self.s3_endpoint_url and not self.s3_endpoint_url.lower().startswith(("http://", "https://")):
            raise UserError("--s3-endpoint-url is no address; write http://host:port or https://host.")
        if not 1 <= self.max_attempts <= _MOST_ATTEMPTS:
            raise UserError(f"--max-attempts is {self.max_attempts}; give a number from 1 to {_MOST_ATTEMPTS:,}.")
        # Not a number is neither.
        if not 0 < self.read_timeout <= _LONGEST_TIMEOUT:
            raise UserError(
                f"--read-timeout is {self.read_timeout:g}; give seconds above 0, at most {_LONGEST_TIMEOUT:,}."
            )
