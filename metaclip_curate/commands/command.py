"""A command as the command line knows it: its options, its help, and the function that it calls."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.config_file import merge_config, read_config
from metaclip_curate.options.parser import OptionParser
from metaclip_curate.options.recipe import apply_recipe
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.source import SourceOptions
from metaclip_curate.options.storage import StorageOptions

if TYPE_CHECKING:
    from metaclip_curate.pipelines.finished_run import FinishedRun
    from metaclip_curate.run.folder import RunFolder

# Objects of options by the titles of their groups.
Given = Mapping[str, Any]
# The options of a command that reads a run, and of one that starts a session for it and so has no run folder to write.
RUN_THAT_IS_READ: dict[str, type] = {"source": SourceOptions, "storage": StorageOptions}
RUN_READ_BY_SPARK: dict[str, type] = {"source": SourceOptions, "session": RunOptions, "storage": StorageOptions}
SESSION_ONLY: dict[str, tuple[str, ...]] = {"session": ("output",)}


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: Word that calls the command.
        about: What it does, as a phrase without a period.
        options: Dataclasses of options by the titles of their groups.
        run: Function that takes the options and the words of the command line.
        examples: Arguments of example calls.
        leave_out: Names of fields that the command doesn't take, by group.
        optional: Names of required fields that this command doesn't require.
        resumes: Whether the same command continues after an interruption.
        has_config: Whether a configuration file can give options.
        recorded: Function that adds options which a run folder has recorded to those that were given, by group and
            field.
    """

    name: str
    about: str
    options: Mapping[str, type]
    run: Callable[[Given, Sequence[str]], None]
    examples: tuple[str, ...]
    leave_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    resumes: bool = False
    has_config: bool = False
    recorded: Callable[[MutableMapping[str, Any]], None] | None = None

    def add(self, subparsers: Any) -> None:
        """Adds the command to the subparsers of the command line."""
        parser: OptionParser = subparsers.add_parser(
            self.name, help=self.about, description=_sentence(self.about), examples=self.examples
        )
        parser.add_later(partial(self._add_options, parser))
        parser.set_defaults(command=self)

    def given(self, parsed: argparse.Namespace) -> Given:
        """Returns the options that the command line, the configuration file and the recipe gave.

        Raises:
            UserError: A value is out of range, or the configuration file can't be used.
        """
        self._add_config(parsed)
        if "recipe" in self.options:
            apply_recipe(vars(parsed), self.options)
        return given_options(parsed, self.options)

    def execute(self, parsed: argparse.Namespace, words: Sequence[str]) -> None:
        """Runs the command with the options that were given and, for others, with what the run folder has recorded.

        Args:
            parsed: Arguments of the command.
            words: The whole command line, which a run records.
        """
        if self.recorded:
            self._add_config(parsed)
            self.recorded(vars(parsed))
        self.run(self.given(parsed), words)

    def _add_options(self, parser: OptionParser) -> None:
        for group, options in self.options.items():
            add_options(parser, group, options, self.leave_out.get(group, ()), self.optional)
        if self.has_config:
            about = "TOML file with options by name, such as tail-share = 0.06; the command line takes precedence"
            parser.add_argument("--config", metavar="PATH", help=about)

    def _add_config(self, parsed: argparse.Namespace) -> None:
        if self.has_config and parsed.config:
            merge_config(parsed, read_config(parsed.config, self.options))


@dataclass(frozen=True)
class CommandGroup:
    """Commands below a common word, such as `metadata build` and `metadata show`.

    Attributes:
        name: The common word.
        about: What the commands do, as a phrase without a period.
        commands: The commands.
        metavar: Placeholder of a command's name.
        examples: Arguments of example calls.
    """

    name: str
    about: str
    commands: tuple[Command, ...]
    metavar: str
    examples: tuple[str, ...]

    def add(self, subparsers: Any) -> None:
        """Adds the commands to the subparsers of the command line."""
        parser: OptionParser = subparsers.add_parser(
            self.name, help=self.about, description=_sentence(self.about), examples=self.examples
        )
        parser.add_later(partial(self._add_commands, parser))

    def _add_commands(self, parser: OptionParser) -> None:
        below = parser.add_subparsers(required=True, metavar=self.metavar)
        for command in self.commands:
            command.add(below)


def open_finished_run(given: Given, stage: str) -> FinishedRun:
    """Opens the run that a command reads.

    Args:
        given: Options of the command, `source` and `storage` among them, and `session` or `run` if it starts a session.
        stage: Last stage that must be finished.

    Raises:
        UserError: A stage isn't finished, or was computed from tables that have changed since.
    """
    from metaclip_curate.pipelines.finished_run import FinishedRun

    session = given.get("session") or given.get("run") or RunOptions()
    return FinishedRun(given["source"].run, stage, given["storage"], session)


def open_finished_folder(given: Given, stage: str) -> RunFolder:
    """Opens the folder of the run that a command reads without Spark.

    Args:
        given: Options of the command, `source` and `storage` among them.
        stage: Last stage that must be finished.

    Raises:
        UserError: A stage isn't finished, or was computed from tables that have changed since.
    """
    from metaclip_curate.run.finished import open_finished

    return open_finished(given["source"].run, stage, given["storage"])


def recorded(words: Sequence[str]) -> str:
    """Returns a command line as a run records it, without passwords and signatures."""
    from metaclip_curate.storage import command_line

    return command_line(words)


def _sentence(about: str) -> str:
    return about[0].upper() + about[1:] + "."
