"""metaclip-curate rebalance: after the download, balance again the pairs whose image was fetched."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from metaclip_curate.commands.command import RUN_THAT_IS_READ, Command, Given, open_finished_run, recorded
from metaclip_curate.commands.output import log_of, print_blocks, print_json, print_paths
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.image_screens import ImageScreenOptions
from metaclip_curate.options.printing import PrintOptions
from metaclip_curate.options.rebalance import RebalanceOptions, RebalanceSteps
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.sample import SampleOptions
from metaclip_curate.screens.reasons import IMAGE_REASONS

if TYPE_CHECKING:
    from metaclip_curate.run.folder import RunFolder
    from metaclip_curate.run.summaries import DownloadLosses

_WRITTEN = ("matched", "counts", "thresholds", "manifest", "datacard.json", "report.html", "run.json")


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.commands.summary import print_warnings
    from metaclip_curate.pipelines.options import Options
    from metaclip_curate.pipelines.rebalance import Rebalancing
    from metaclip_curate.run.record import to_json
    from metaclip_curate.run.summaries import SampleSummary

    steps: RebalanceSteps = given["steps"]
    source, log = open_finished_run(given, "sample"), log_of(given["print"])
    new = Options(run=given["run"], balance=given["balance"], sample=given["sample"])
    rebalancing = Rebalancing(source, given["rebalance"], new, recorded(words), log, given["images"])
    if steps.again_from:
        rebalancing.folder.forget(steps.again_from)
    losses = rebalancing.count()
    result: dict[str, Any] = {"losses": dataclasses.asdict(losses)}
    if not given["print"].json:
        print_blocks(_losses_table(losses))
    if not steps.count_only:
        if not given["print"].json:
            print()
        rebalancing.draw()
        rebalancing.report()
        result["languages"] = to_json(rebalancing.folder.summary(SampleSummary).languages)
    root = rebalancing.folder.root
    if given["print"].json:
        print_json(result)
    elif steps.count_only:
        print_blocks(f"metaclip-curate threshold --run {root} finds a t for them")
    else:
        print_blocks(_language_table(rebalancing.folder))
        print_paths(root, _WRITTEN)
    if not given["print"].json:
        print_warnings(rebalancing.warnings)


def _losses_table(losses: DownloadLosses) -> str:
    from metaclip_curate.run.funnel import loss_name

    screened = any(reason in losses.lost for reason in IMAGE_REASONS)
    steps = [("pairs in the manifest", losses.manifest)]
    steps += [(f"  {loss_name(status)}", count) for status, count in losses.lost.items()]
    steps += [("  downloaded and kept" if screened else "  downloaded", losses.survivors)]
    rows = [[name, number(count), share(count, losses.manifest)] for name, count in steps]
    if losses.unknown:
        rows.append(["in the download, not in the manifest", number(losses.unknown), ""])
    return text_table(["", "number", "share"], rows, "<>>")


def _language_table(folder: RunFolder) -> str:
    from metaclip_curate.run.summaries import BalanceSummary, SampleSummary

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


COMMAND = Command(
    "rebalance",
    "balance again the pairs whose image was downloaded, into a new run folder",
    {
        **RUN_THAT_IS_READ,
        "run": RunOptions,
        "rebalance": RebalanceOptions,
        "images": ImageScreenOptions,
        "steps": RebalanceSteps,
        "balance": BalanceOptions,
        "sample": SampleOptions,
        "print": PrintOptions,
    },
    _run,
    examples=(
        "--run out --downloaded images --output out-2 --t 20000",
        "--run out --downloaded images --output out-2 --count-only",
        "--run out --downloaded images --output out-2 --near-duplicates 31 --benchmark imagenet/val --min-side 64",
    ),
    resumes=True,
)
