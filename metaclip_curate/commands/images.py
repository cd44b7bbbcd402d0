"""metaclip-curate images: what is computed of downloaded images before `rebalance` screens them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from metaclip_curate.commands.command import Command, CommandGroup, Given
from metaclip_curate.commands.output import log_of, print_blocks, print_json
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.options.images import FingerprintOptions
from metaclip_curate.options.printing import PrintOptions
from metaclip_curate.options.storage import StorageOptions


def _fingerprint(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.images.fingerprint_download import fingerprint_download

    done = fingerprint_download(given["fingerprint"], given["storage"], log_of(given["print"]))
    if given["print"].json:
        print_json(dataclasses.asdict(done))
        return
    rows = [[f"  {reason}", number(count), share(count, done.images)] for reason, count in done.broken.items()]
    rows.insert(0, ["downloaded images", number(done.images), ""])
    print_blocks(
        text_table(["", "number", "share"], rows, "<>>"), f"fingerprints of {done.shards:,} shards in {done.output}"
    )


_FINGERPRINT = Command(
    "fingerprint",
    "compute digests, the PDQ hash and the size of each downloaded image",
    {"fingerprint": FingerprintOptions, "storage": StorageOptions, "print": PrintOptions},
    _fingerprint,
    examples=("--downloaded images", "--downloaded images --processes 8"),
    resumes=True,
)
COMMANDS = CommandGroup(
    "images",
    "what is computed of downloaded images",
    (_FINGERPRINT,),
    "COMMAND",
    examples=("fingerprint --downloaded images",),
)
