"""An argument parser whose help and messages say more than argparse's.

Option names can't be abbreviated, an unknown name gets a suggestion, the usage line shows what is required, and the
help ends with examples.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

_EXAMPLES = "examples:\n"


class OptionParser(argparse.ArgumentParser):
    """A parser of a command, or of the command line of which it is a part.

    Args:
        prog: Name of the command as the help shows it.
        examples: Example calls: arguments as a shell takes them, or a line with %(prog)s in the place of the command.
        settings: Arguments of `argparse.ArgumentParser`.

    Attributes:
        examples: Example calls, complete.
        required: Options that the usage line shows as required.
        command_groups: Names of subcommands by title, in the order of the help; without any, the help has one list.
    """

    def __init__(self, prog: str | None = None, *, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(prog, allow_abbrev=False, formatter_class=_Formatter, **settings)
        self.examples = [
            example.replace("%(prog)s", self.prog) if "%(prog)s" in example else f"{self.prog} {example}".rstrip()
            for example in examples
        ]
        self.required: list[argparse.Action] = []
        self.command_groups: Mapping[str, Sequence[str]] = {}
        self._add_rest: Callable[[], None] | None = None

    def add_later(self, add_rest: Callable[[], None]) -> None:
        """Calls a function that adds the arguments when they are needed: a command line needs those of one command."""
        self._add_rest = add_rest

    def complete(self) -> OptionParser:
        """Adds the arguments that were to be added later, and returns the parser."""
        add_rest, self._add_rest = self._add_rest, None
        if add_rest:
            add_rest()
        return self

    def format_usage(self) -> str:
        """Returns the usage line: what is required, and [options] for the rest."""
        self.complete()
        formatter = self._get_formatter()
        formatter.add_usage(self._usage(), (), ())
        return formatter.format_help()

    def format_help(self) -> str:
        """Returns the usage line, the description, all options by group, and the examples."""
        self.complete()
        formatter = self._get_formatter()
        formatter.add_usage(self._usage(), (), ())
        formatter.add_text(self.description)
        for title, actions in self._sections():
            formatter.start_section(title)
            formatter.add_arguments(actions)
            formatter.end_section()
        if self.examples:
            formatter.add_text(_EXAMPLES + "\n".join(f"  {example}" for example in self.examples))
        formatter.add_text(self.epilog)
        return formatter.format_help()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parses arguments, and refuses those that the parser doesn't know, also as the parser of a subcommand."""
        self.complete()
        given = list(sys.argv[1:] if args is None else args)
        self._check_names(given)
        parsed, unknown = super().parse_known_args(given, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown

    def add_subparsers(self, **settings: Any) -> Any:
        """Adds subcommands, whose names in the help begin with this parser's."""
        return super().add_subparsers(prog=self.prog, parser_class=type(self), **settings)

    def subparsers(self) -> Mapping[str, OptionParser]:
        """The parsers of the subcommands by name, complete; empty where there are none."""
        action = self.complete()._commands()
        return {name: parser.complete() for name, parser in action.choices.items()} if action else {}

    def _commands(self) -> argparse._SubParsersAction[Any] | None:
        return next((each for each in self._actions if isinstance(each, argparse._SubParsersAction)), None)

    def _usage(self) -> str:
        words = [self.prog]
        for action in self.required:
            words += [action.option_strings[-1], placeholder(action)]
        positional = [action for action in self._actions if not action.option_strings]
        if any(action.option_strings and action not in self.required for action in self._actions):
            words.append("[options]")
        words += [placeholder(action) for action in positional]
        words += ["..."] if self._commands() else []
        return " ".join(filter(None, words)).replace("%", "%%")

    def _sections(self) -> Iterator[tuple[str | None, Iterable[argparse.Action]]]:
        """The sections of the help: subcommands in their groups, groups of options, and --help last."""
        commands = self._commands()
        if commands is not None:
            by_name = {action.dest: action for action in commands._get_subactions()}
            for title, names in (self.command_groups or {"commands": tuple(by_name)}).items():
                yield title, [by_name[name] for name in names]
        positional, general, *groups = self._action_groups
        for group in (positional, *groups, general):
            yield group.title, [each for each in group._group_actions if each is not commands]

    def _check_names(self, given: Sequence[str]) -> None:
        """Refuses an unknown option before argparse can miss a required one, whose name may have been mistyped."""
        for word in given:
            name = word.partition("=")[0]
            if name == "--" or (self._commands() and not name.startswith("-")):
                return
            if name.startswith("--") and " " not in name and name not in self._option_string_actions:
                shown = [each for action in self._actions for each in action.option_strings if is_shown(action)]
                remedy = did_you_mean(name, shown) or f"`{self.prog} --help` lists its options"
                self.error(f"{name} isn't an option of `{self.prog}`: {remedy}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = list(map(str, action.choices or ()))
        if not choices or str(value) in choices:
            return
        remedy = did_you_mean(str(value), choices)
        if isinstance(action, argparse._SubParsersAction):
            remedy = remedy or f"`{self.prog} --help` lists the commands"
            raise argparse.ArgumentError(None, f"`{self.prog}` has no command {value}: {remedy}")
        raise argparse.ArgumentError(action, f"must be one of {', '.join(choices)}, not {value}")

    def error(self, message: str) -> NoReturn:
        """Prints the usage line and a message, and exits with status 2."""
        super().error(message)


class _Formatter(argparse.HelpFormatter):
    """Keeps the lines of the examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(_EXAMPLES) else super()._fill_text(text, width, indent)


def placeholder(action: argparse.Action) -> str:
    """Returns how the help shows the value of an option, such as `PATH [PATH ...]`; empty for a flag."""
    if action.nargs == 0:
        return ""
    if action.choices is not None and not isinstance(action, argparse._SubParsersAction):
        return "{" + ",".join(map(str, action.choices)) + "}"
    name = str(action.metavar or action.dest.upper())
    return f"{name} [{name} ...]" if action.nargs == "+" else name


def is_shown(action: argparse.Action) -> bool:
    """Returns whether the help shows an option."""
    return action.help != argparse.SUPPRESS


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Returns a question that names the known word most like the given one; empty if none is like it."""
    near = difflib.get_close_matches(given, list(known), 1)
    return f"did you mean {near[0]}?" if near else ""
