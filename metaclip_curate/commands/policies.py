"""metaclip-curate policies: what hosts forbid by robots.txt and ai.txt."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from metaclip_curate.commands.command import Command, CommandGroup, Given
from metaclip_curate.commands.output import log_of, print_blocks, print_json
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.options.policies import PoliciesOptions
from metaclip_curate.options.printing import PrintOptions
from metaclip_curate.options.storage import StorageOptions


def _build(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.pipelines.policies import build_policies

    built = build_policies(given["policies"], given["storage"], log_of(given["print"]))
    if given["print"].json:
        print_json(dataclasses.asdict(built))
        return
    rows = [[rule, number(hosts), share(hosts, built.hosts)] for rule, hosts in built.rules.items()]
    rows.append(["all", number(built.hosts), ""])
    print_blocks(text_table(["hosts that forbid, by their first rule", "number", "share"], rows, "<>>"))
    print_blocks(f"`metaclip-curate match --host-policies {given['policies'].output}` rejects their pairs")


_BUILD = Command(
    "build",
    "write the hosts whose robots.txt or ai.txt forbids to a folder",
    {"policies": PoliciesOptions, "storage": StorageOptions, "print": PrintOptions},
    _build,
    examples=(
        "--input cc-robots:CC-MAIN-2025-30 --output policies",
        "--input robots.warc.gz --agents CCBot,GPTBot --output policies",
    ),
)
COMMANDS = CommandGroup(
    "policies",
    "what hosts forbid by robots.txt and ai.txt",
    (_BUILD,),
    "COMMAND",
    examples=("build --input cc-robots:CC-MAIN-2025-30 --output policies",),
)
