"""metaclip-curate rebalance: after the download, balance again what is left."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from metaclip_curate import storage
from metaclip_curate.commands.output import add_json, print_json, tell_of
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.rebalance import RebalanceOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.sample import SampleOptions
from metaclip_curate.options.source import SourceOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.run.folder import STAGES, RunFolder
from metaclip_curate.run.record import to_json
from metaclip_curate.run.summaries import BalanceSummary, DownloadLosses, SampleSummary
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from metaclip_curate.pipelines.rebalance import Rebalancing

_GROUPS: dict[str, type] = {
    "source": SourceOptions,
    "rebalance": RebalanceOptions,
    "run": RunOptions,
    "storage": StorageOptions,
    "balance": BalanceOptions,
    "sample": SampleOptions,
}
_ABOUT = "after the download, balance again the pairs whose image was fetched, into a new run folder"


def add(commands: Any) -> None:
    """Adds the command to the subparsers of the command line."""
    command = commands.add_parser("rebalance", help=_ABOUT, description=_ABOUT.capitalize() + ".")
    for group, options in _GROUPS.items():
        add_options(command, group, options)
    command.add_argument(
        "--count-only", action="store_true", help="stop after counting, so that `threshold` can find a t first"
    )
    command.add_argument(
        "--again-from",
        choices=STAGES[1:],
        help="forget this stage of the new run and those after it, and do them again",
    )
    add_json(command)
    command.set_defaults(handler=_run, command="rebalance")


def _run(parsed: argparse.Namespace, command: str) -> None:
    from metaclip_curate.pipelines.options import Options
    from metaclip_curate.pipelines.rebalance import Rebalancing

    given = given_options(parsed, _GROUPS)
    source = FinishedRun(given["source"].run, "sample", given["storage"], given["run"])
    new = Options(run=given["run"], balance=given["balance"], sample=given["sample"])
    rebalancing = Rebalancing(source, given["rebalance"], new, command, tell_of(parsed))
    if parsed.again_from:
        rebalancing.folder.forget(parsed.again_from)
    losses = rebalancing.count()
    if parsed.json:
        _finish_as_json(rebalancing, losses, parsed.count_only)
        return
    print()
    print(_losses_table(losses))
    print()
    if parsed.count_only:
        print(f"metaclip-curate threshold --run {rebalancing.folder.root} finds a t for them")
        return
    rebalancing.draw()
    rebalancing.report()
    print()
    print(_language_table(rebalancing.folder))
    print()
    for name in ("matched", "counts", "thresholds", "manifest", "datacard.json", "report.html", "run.json"):
        print(f"{name:<14} {storage.join(rebalancing.folder.root, name)}")


def _finish_as_json(rebalancing: Rebalancing, losses: DownloadLosses, count_only: bool) -> None:
    found: dict[str, Any] = {"losses": dataclasses.asdict(losses)}
    if not count_only:
        rebalancing.draw()
        rebalancing.report()
        found["languages"] = to_json(rebalancing.folder.summary(SampleSummary).languages)
    print_json(found)


def _losses_table(losses: DownloadLosses) -> str:
    steps = [("pairs in the manifest", losses.manifest)]
    steps += [(f"  {status.replace('_', ' ')}", count) for status, count in losses.lost.items()]
    steps += [("  go on", losses.survivors)]
    rows = [[name, number(count), share(count, losses.manifest)] for name, count in steps]
    if losses.unknown:
        rows.append(["in the download, not in the manifest", number(losses.unknown), ""])
    return text_table(["", "number", "share"], rows, "<>>")


def _language_table(folder: RunFolder) -> str:
    kept = {row.metadata_lang: row.pairs_out for row in folder.summary(SampleSummary).languages}
    balanced = folder.summary(BalanceSummary)
    rows = []
    for row in sorted(balanced.languages, key=lambda row: (-row.pairs, row.metadata_lang)):
        rule = [row.metadata_lang, number(row.pairs), number(row.t), f"{row.tail_share:.1%}"]
        rows.append([*rule, *_kept(row.expected_pairs, kept[row.metadata_lang], row.pairs)])
    of_all = _kept(balanced.expected_pairs, sum(kept.values()), balanced.pairs)
    rows.append(["all", number(balanced.pairs), "", "", *of_all])
    return text_table(["language", "pairs", "t", "tail share", "expected", "kept", "of them"], rows, "<" + ">" * 6)


def _kept(expected: float, kept: int, pairs: int) -> list[str]:
    return [number(expected), number(kept), share(kept, pairs)]
