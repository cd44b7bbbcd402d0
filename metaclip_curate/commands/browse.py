"""metaclip-curate browse: pairs of a run, a few lines each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metaclip_curate.commands.command import RUN_THAT_IS_READ, Command, Given, open_finished_folder
from metaclip_curate.commands.output import print_json
from metaclip_curate.console.terminal import shown
from metaclip_curate.console.wording import counted
from metaclip_curate.options.browse import BrowseOptions
from metaclip_curate.options.printing import PrintOptions


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.inspect.browse import browse
    from metaclip_curate.run.tables import damage_named

    folder = open_finished_folder(given, "sample")
    with damage_named(folder):
        rows = browse(folder, given["pairs"])
    if given["print"].json:
        print_json(rows)
        return
    for row in rows:
        print(_text(row))
        print()
    print(counted(len(rows), f"{'dropped' if given['pairs'].dropped else 'kept'} pair"))


def _text(row: dict[str, Any]) -> str:
    chance = f"keep probability {row['keep_probability']:.4g}, draw {row['draw']:.4g}"
    return "\n".join(
        (
            shown(row["text"]),
            f"  {shown(row['url'])}",
            f"  {row['uid']}  {row['lang']} {row['lang_score']:.2f}  {chance}",
            f"  {shown(' | '.join(row['entries']))}",
        )
    )


COMMAND = Command(
    "browse",
    "show pairs that were kept or dropped, of a language or with an entry",
    {**RUN_THAT_IS_READ, "pairs": BrowseOptions, "print": PrintOptions},
    _run,
    examples=("--run out", "--run out --language en", "--run out --language en --entry logo --dropped -n 5"),
)
