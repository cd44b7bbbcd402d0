"""metaclip-curate explain: a pair's way through all stages."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from metaclip_curate.commands.output import add_json, print_json
from metaclip_curate.console.terminal import shown
from metaclip_curate.console.text_table import text_table
from metaclip_curate.inspect.explain import Explainer
from metaclip_curate.inspect.explanation import Explanation
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.source import SourceOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.run.tables import damage_named
from metaclip_curate.storage import StorageOptions

_GROUPS: dict[str, type] = {"source": SourceOptions, "pair": ExplainOptions, "storage": StorageOptions}
_ABOUT = "a pair's way through all stages, and why it was kept or not"


def add(commands: Any) -> None:
    """Adds the command to the subparsers of the command line."""
    command = commands.add_parser("explain", help=_ABOUT, description=_ABOUT.capitalize() + ".")
    for group, options in _GROUPS.items():
        add_options(command, group, options)
    add_json(command)
    command.set_defaults(handler=_run, command="explain")


def _run(parsed: argparse.Namespace, command: str) -> None:
    given = given_options(parsed, _GROUPS)
    run = FinishedRun(given["source"].run, "sample", given["storage"], RunOptions())
    with damage_named(run.folder):
        found = Explainer(run.folder, given["pair"]).explain()
    if parsed.json:
        print_json([dataclasses.asdict(each) for each in found])
        return
    for explanation in found:
        print(_as_text(explanation))
        print()


def _as_text(pair: Explanation) -> str:
    lines = [shown(pair.verdict[:1].upper() + pair.verdict[1:]) + ".", ""]
    facts = [
        ("uid", pair.uid),
        ("url", pair.url),
        ("text", pair.text),
        ("language", f"{pair.lang}, with score {pair.lang_score:.3f}" if pair.lang else "none that the model knows"),
        ("searched for entries of", pair.metadata_lang or "no language"),
        *(("found in", _origin(origin)) for origin in pair.origins),
    ]
    if pair.selected is not None:
        facts.append(("text selected of the image", pair.selected))
    if pair.keep_probability is not None:
        facts.append(("t", f"{pair.t:,}" if pair.t is not None else "none: no text of the language matched"))
        facts.append(("keep probability", f"{pair.keep_probability:.6g}"))
    if pair.draw is not None:
        facts.append(("draw", f"{pair.draw:.6g}"))
    width = max(len(name) for name, _ in facts)
    lines += [f"  {name:<{width}}  {shown(value)}" for name, value in facts if value]
    if pair.entries:
        rows = [
            [
                each.entry,
                f"{each.entry_id}",
                f"{each.count:,}",
                "head" if each.head else "tail",
                f"{each.probability:.4g}",
            ]
            for each in pair.entries
        ]
        table = text_table(["entry", "id", "texts", "", "probability"], rows, "<>><>")
        lines += ["", *(f"  {line}" for line in table.splitlines())]
    return "\n".join(lines)


def _origin(origin: dict[str, str]) -> str:
    page = f"{origin['page_url']} ({origin['text_source']})"
    return f"{page}, {origin['crawl'] or 'of an unknown crawl'}, {origin['source_file']}"
