"""docs/reference.md, written from the commands themselves: `python -m metaclip_curate.commands.reference`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

# A group of options that so many commands have stands once.
_SHARED = 3
_EXIT = """The exit status of every command:

| status | meaning |
| --- | --- |
| 0 | done |
| 1 | the job ran and failed (too many inputs failed, a disk is full), as one line says; with a trace, a fault of ours |
| 2 | something given was wrong; one line says what and what to do |
| 130, 143 | it was interrupted (Ctrl-C), or terminated (SIGTERM); the same command goes on |
| 141 | who read the output has gone, as `head` does |"""


def reference_page(parser: argparse.ArgumentParser) -> str:
    """Writes the page.

    Args:
        parser: The command line's.

    Returns:
        Markdown: every command, with its options by group; groups that several commands share stand once, at the end.
    """
    commands = dict(_commands(parser, parser.prog))
    blocks = {name: list(_groups(command)) for name, command in commands.items()}
    uses = Counter(block for of_command in blocks.values() for block in of_command)
    shared = [block for block, times in uses.items() if times >= _SHARED and block[0]]
    parts = ["# Commands and options", f"Written from the code by `make reference`.\n\n{_EXIT}"]
    for name, command in commands.items():
        parts += [f"## {name}", command.description or ""]
        parts += [_block(*block) for block in blocks[name] if block not in shared]
        named = [f"[{title}](#options-{title})" for title, rows in blocks[name] if (title, rows) in shared]
        if named:
            parts.append(f"And the options of {', '.join(named)}.")
    parts += [part for title, rows in shared for part in (f"## Options: {title}", _table(rows))]
    return "\n\n".join(filter(None, parts)) + "\n"


def _commands(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The commands that do something, each with its full name."""
    choices = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not choices:
        yield name, parser
        return
    for word, command in choices[0].choices.items():
        yield from _commands(command, f"{name} {word}")


def _groups(command: argparse.ArgumentParser) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The groups of options: a title, empty for what belongs to the command itself, and the rows."""
    for group in command._action_groups:
        rows = tuple(filter(None, map(_row, group._group_actions)))
        if rows:
            yield "" if group.title in ("options", "positional arguments") else str(group.title), rows


def _block(title: str, rows: tuple[str, ...]) -> str:
    return f"{title.capitalize()}:\n\n{_table(rows)}" if title else _table(rows)


def _table(rows: tuple[str, ...]) -> str:
    return "\n".join(["| option | meaning |", "| --- | --- |", *rows])


def _row(action: argparse.Action) -> str:
    if isinstance(action, argparse._HelpAction):
        return ""
    names = ", ".join(action.option_strings)
    value = "" if action.nargs == 0 else _value(action)
    about = (action.help or "").replace("%%", "%").replace("|", "\\|")
    return f"| `{' '.join(filter(None, (names, value)))}` | {about} |"


def _value(action: argparse.Action) -> str:
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    name = action.metavar or action.dest.upper()
    return f"{name} ..." if action.nargs == "+" else str(name)


if __name__ == "__main__":
    from metaclip_curate.commands.program import make_parser

    print(reference_page(make_parser("metaclip-curate")), end="")
