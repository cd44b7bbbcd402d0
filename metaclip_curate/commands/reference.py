"""docs/reference.md, written from the commands themselves: `python -m metaclip_curate.commands.reference`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence

from metaclip_curate.options.parser import OptionParser, is_shown, placeholder

# A group of options that so many commands have stands once.
_SHARED = 3
# The title of a group of options, and its rows.
Block = tuple[str, tuple[str, ...]]
_INTRODUCTION = r"""Written from the code by `make reference`.

Options in bold are required. An option can't be abbreviated. A list, `LANG [LANG ...]`, takes values with spaces or
commas between them, and the option can be repeated: `--languages en,de --languages ja`. `\,` is a comma within a
value; a comma in a URL or in the name of a local file that exists needs no backslash.

`metaclip-curate run --config run.toml` and `jobs/run.py --config run.toml` read options from a file, by their names:

```toml
input = ["cc:CC-MAIN-2025-30:20"]
metadata = "lists"
t = 20000
tail-share = 0.06
same-t = false
```

An option on the command line takes precedence over the file.

`metaclip-curate completion SHELL` prints a script with which bash, zsh or fish completes commands, options and paths.

The exit status of every command:

| status | meaning |
| --- | --- |
| 0 | the command has done what was requested |
| 1 | the job failed (too many inputs failed, a disk is full), as one line says; with a traceback, a bug |
| 2 | something on the command line or in a file was wrong; one line says what and what to do |
| 129, 130, 143 | closed terminal (SIGHUP), Ctrl-C or SIGTERM ended the command; the same command continues from there |
| 141 | the reader of the output has gone, as `head` does |"""


def reference_page(parser: OptionParser) -> str:
    """Writes the page.

    Args:
        parser: Parser of the whole command line.

    Returns:
        Markdown with every command and its options by group. Groups that several commands share stand once, at the end.
    """
    commands = dict(_commands(parser))
    blocks = {name: list(_groups(command)) for name, command in commands.items()}
    uses = Counter(block for of_command in blocks.values() for block in of_command)
    headings = _headings([block for block, times in uses.items() if times >= _SHARED and block[0]])
    parts = ["# Commands and options", _INTRODUCTION, _contents(parser)]
    for name, command in commands.items():
        parts += [f"## {name}", command.description or "", _examples(command)]
        parts += [_block(*block) for block in blocks[name] if block not in headings]
        named = [(block[0], headings[block]) for block in blocks[name] if block in headings]
        links = [f"[{title}](#options-{heading.replace(' ', '-')})" for title, heading in named]
        if links:
            parts.append(f"And the options of {', '.join(links)}.")
    parts += [part for block, heading in headings.items() for part in (f"## Options: {heading}", _table(block[1]))]
    return "\n\n".join(filter(None, parts)) + "\n"


def _headings(shared: Sequence[Block]) -> dict[Block, str]:
    """The headings of shared groups: their titles, with a number where commands differ in what they take of a group."""
    seen: Counter[str] = Counter()
    headings = {}
    for block in shared:
        seen[block[0]] += 1
        headings[block] = block[0] if seen[block[0]] == 1 else f"{block[0]} {seen[block[0]]}"
    return headings


def _contents(parser: OptionParser) -> str:
    """The commands by group, as the help has them."""
    lines = ["| | |", "| --- | --- |"]
    commands = parser.subparsers()
    for title, names in parser.command_groups.items():
        words = [word for name in names for word in _commands(commands[name])]
        links = [f"[{word.partition(' ')[2]}](#{word.replace(' ', '-')})" for word, _ in words]
        lines.append(f"| {title} | {', '.join(links)} |")
    return "\n".join(lines)


def _commands(parser: OptionParser) -> Iterator[tuple[str, OptionParser]]:
    """The commands that do something, each with its full name."""
    below = parser.subparsers()
    if not below:
        yield parser.prog, parser
    for command in below.values():
        yield from _commands(command)


def _examples(command: OptionParser) -> str:
    return "\n".join(f"    {example}" for example in command.examples)


def _groups(command: OptionParser) -> Iterator[Block]:
    """The groups of options: a title, empty for what belongs to the command itself, and the rows."""
    for group in command._action_groups:
        rows = tuple(_row(action, action in command.required) for action in group._group_actions if _has_row(action))
        if rows:
            yield "" if group.title in ("options", "positional arguments") else str(group.title), rows


def _has_row(action: argparse.Action) -> bool:
    return is_shown(action) and not isinstance(action, argparse._HelpAction)


def _block(title: str, rows: tuple[str, ...]) -> str:
    return f"{title.capitalize()}:\n\n{_table(rows)}" if title else _table(rows)


def _table(rows: tuple[str, ...]) -> str:
    return "\n".join(["| option | meaning |", "| --- | --- |", *rows])


def _row(action: argparse.Action, required: bool) -> str:
    names = ", ".join(action.option_strings)
    option = f"`{' '.join(filter(None, (names, placeholder(action))))}`"
    about = (action.help or "").removesuffix(" (required)").replace("%%", "%").replace("|", "\\|")
    return f"| {f'**{option}**' if required else option} | {about} |"


if __name__ == "__main__":
    from metaclip_curate.commands.program import make_parser

    print(reference_page(make_parser("metaclip-curate")), end="")
