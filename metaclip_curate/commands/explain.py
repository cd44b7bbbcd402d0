"""metaclip-curate explain: a pair's way through all stages."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from metaclip_curate.commands.command import RUN_THAT_IS_READ, Command, Given, open_finished_folder
from metaclip_curate.commands.output import log_of, print_json
from metaclip_curate.console.terminal import shown
from metaclip_curate.console.text_table import text_table
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.options.printing import PrintOptions

if TYPE_CHECKING:
    from metaclip_curate.inspect.explanation import Explanation


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.inspect.explain import Explainer
    from metaclip_curate.run.tables import damage_named

    folder = open_finished_folder(given, "sample")
    with damage_named(folder):
        found = Explainer(folder, given["pair"], log_of(given["print"])).explain()
    if given["print"].json:
        print_json([dataclasses.asdict(each) for each in found])
        return
    for explanation in found:
        print(as_text(explanation))
        print()


def as_text(pair: Explanation) -> str:
    """Returns an explanation as lines for people."""
    lines = [shown(pair.verdict[:1].upper() + pair.verdict[1:]) + ".", ""]
    facts = [
        ("uid", pair.uid),
        ("url", pair.url),
        ("text", pair.text),
        ("language", f"{pair.lang}, with score {pair.lang_score:.3f}" if pair.lang else "none that the model knows"),
        ("language of the page", pair.page_lang),
        ("metadata list", pair.metadata_lang or "none for this language"),
        *(("found in", _origin(origin)) for origin in pair.origins),
    ]
    if pair.reason is not None:
        facts.append(("rejected by the screen", pair.reason))
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
    if not origin["page_url"]:
        named = f"{origin['source_id']} of " if origin["source_id"] else ""
        return f"{named}{origin['source_file']} ({origin['text_source']})"
    page = f"{origin['page_url']} ({origin['text_source']})"
    return f"{page}, {origin['crawl'] or 'of an unknown crawl'}, {origin['source_file']}"


COMMAND = Command(
    "explain",
    "show a pair's way through all stages, and why it was kept or not",
    {**RUN_THAT_IS_READ, "pair": ExplainOptions, "print": PrintOptions},
    _run,
    examples=(
        "--run out --uid a6de1847",
        '--run out --text "A cat sleeping on a windowsill"',
    ),
)
