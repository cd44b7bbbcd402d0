"""The options of each stage; their help texts are the command line.

A field with `tables=False` changes how a stage runs and never what comes out, so a run folder goes on with another
value of it.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from metaclip_curate.errors import UserError
from metaclip_curate.matching import EntrySpacing

TextsPerImage = Literal["all", "one"]
ExportFormat = Literal["metaclip", "datacomp"]
_SAMPLE_ROWS = 10_000
LARGEST_WHOLE = 2**63 - 1  # of Spark, Arrow and NumPy
# Each pass reads all pairs again, and its number has five digits in the names of parts.
_MOST_PASSES = 10_000
_MASTERS = ("local", "spark://", "k8s://", "yarn")
_JAVA_MEMORY = re.compile(r"[1-9][0-9]{0,9}[kmgt]b?", re.IGNORECASE)


def option(default: Any, help: str, tables: bool = True) -> Any:
    """A dataclass field that is a command-line option."""
    return field(default=default, metadata={"help": help, "tables": tables})


def check_range(name: str, value: int, least: int, most: int = LARGEST_WHOLE) -> None:
    """Holds a whole number to its range.

    Args:
        name: The option's field.
        value: What was given.
        least: The smallest that is allowed.
        most: The largest.

    Raises:
        UserError: It is smaller or larger.
    """
    if value < least:
        raise UserError(f"{flag(name)} must be at least {least}, not {value}")
    if value > most:
        shown = "2^63 - 1" if most == LARGEST_WHOLE else most
        raise UserError(f"{flag(name)} must be at most {shown}, not {value}")


@dataclass(frozen=True)
class RunOptions:
    """What every command takes."""

    output: str = option("", "the run folder, local or s3:// or gs://; a finished stage in it is kept", tables=False)
    master: str = option("local[*]", "Spark master of a local run; ignored under spark-submit", tables=False)
    driver_memory: str = option("4g", "memory of a local run's JVM; ignored under spark-submit", tables=False)
    verbose: bool = option(False, "show what Spark logs; ignored under spark-submit", tables=False)

    def __post_init__(self) -> None:
        if not self.master.startswith(_MASTERS):
            raise UserError(f"--master must begin with one of {', '.join(_MASTERS)}, not {self.master}")
        if not _JAVA_MEMORY.fullmatch(self.driver_memory):
            raise UserError(f"--driver-memory must be a number and a unit, such as 4g, not {self.driver_memory}")


@dataclass(frozen=True)
class ExtractOptions:
    """From input files to pairs."""

    input: tuple[str, ...] = option(
        (),
        "WAT files: paths, folders, globs, lists, URLs; a URL's password or signature is recorded nowhere",
        tables=False,
    )
    lid_model: str = option(
        "", "a fastText language-ID model (default: lid.176.ftz of an installed package)", tables=False
    )
    ignore_opt_out: bool = option(False, "use pages that say noai, noimageai or tdm-reservation as well")
    max_record_bytes: int = option(32 << 20, "skip and count WARC records longer than this many bytes")
    max_failed_inputs: float = option(0.05, "the share of failed input files above which the job fails", tables=False)
    files_per_round: int = option(0, "input files that are committed together; 0 chooses by their number", tables=False)
    retry_failed: bool = option(
        False,
        "read inputs again that failed in an earlier run, or of which reading was given up, or local ones that have "
        "changed since",
        tables=False,
    )

    def __post_init__(self) -> None:
        if not 0 <= self.max_failed_inputs <= 1:
            raise UserError(f"--max-failed-inputs must be a share from 0 to 1, not {self.max_failed_inputs}")
        check_range("max_record_bytes", self.max_record_bytes, 1)
        check_range("files_per_round", self.files_per_round, 0)


@dataclass(frozen=True)
class MatchOptions:
    """From pairs to matched pairs."""

    metadata: str = option("", "the metadata folder: <lang>.json or <lang>.txt[.zst]", tables=False)
    language_table: str = option(
        "", "a CSV from labels to metadata languages (default: the one that ships)", tables=False
    )
    languages: tuple[str, ...] = option((), "only these metadata languages, with commas between (default: all)")
    entry_spacing: EntrySpacing = option("metaclip2", "how entries are spaced before they are searched")
    dedup_passes: int = option(1, "deduplicate in this many passes, each with its share of shuffle disk", tables=False)
    pairs_per_task: int = option(500_000, "pairs that one matching task takes", tables=False)

    def __post_init__(self) -> None:
        check_range("dedup_passes", self.dedup_passes, 1, _MOST_PASSES)
        check_range("pairs_per_task", self.pairs_per_task, 1)


@dataclass(frozen=True)
class BalanceOptions:
    """From counts to thresholds."""

    t: int = option(20_000, "the anchor language's threshold: entries with more texts are down-sampled")
    anchor_language: str = option("en", "the metadata language whose tail share the others take over")
    same_t: bool = option(False, "use t for every language")
    tail_share: float | None = option(None, "use this tail share for every language, the anchor too, in place of t")

    def __post_init__(self) -> None:
        check_range("t", self.t, 1)
        if self.tail_share is not None and not 0 <= self.tail_share <= 1:
            raise UserError(f"--tail-share must be from 0 to 1, not {self.tail_share}")
        if self.same_t and self.tail_share is not None:
            raise UserError("--same-t and --tail-share exclude each other: give one of them")


@dataclass(frozen=True)
class DrawOptions:
    """What draws, and with which numbers."""

    seed: int = option(0, "decides which pairs are drawn; from 0 to 2^64 - 1")
    texts_per_image: TextsPerImage = option("all", "whether all or one of an image's matched texts can be drawn")

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**64:
            raise UserError(f"--seed must be from 0 to 2^64 - 1, not {self.seed}")


@dataclass(frozen=True)
class SampleOptions:
    """From matched pairs to the manifest."""

    rows_per_file: int = option(250_000, "rows of a manifest file, a multiple of 10,000")

    def __post_init__(self) -> None:
        check_range("rows_per_file", self.rows_per_file, 1)
        if self.rows_per_file % _SAMPLE_ROWS:
            raise UserError(f"--rows-per-file must be a multiple of {_SAMPLE_ROWS}, not {self.rows_per_file}")


@dataclass(frozen=True)
class SourceOptions:
    """The run that a command reads."""

    run: str = option("", "the folder of a finished run; it is only read", tables=False)

    def __post_init__(self) -> None:
        if not self.run:
            raise UserError("--run is missing: name the folder of a finished run")


@dataclass(frozen=True)
class ExplainOptions:
    """The pair, or the text, that is explained, and where to find what the run doesn't hold itself."""

    uid: str = option("", "the pair's uid, 32 hex digits", tables=False)
    url: str = option("", "an image's URL: all its pairs, or with --text the one", tables=False)
    text: str = option("", "a text: the pairs that have it or, if there is none, what would happen", tables=False)
    metadata: str = option("", "the metadata folder (default: where the run found it)", tables=False)
    language_table: str = option("", "the CSV from labels to metadata languages that the run was given", tables=False)
    lid_model: str = option("", "the fastText language-ID model that the run was given", tables=False)

    def __post_init__(self) -> None:
        if not (self.uid or self.url or self.text) or (self.uid and (self.url or self.text)):
            raise UserError("give --uid, --url, --text, or --url and --text together")


@dataclass(frozen=True)
class BrowseOptions:
    """Pairs to look at."""

    language: str = option("", "the metadata language", tables=False)
    entry: str = option("", "only texts that contain this entry (default: any)", tables=False)
    number: int = option(20, "how many pairs", tables=False)
    dropped: bool = option(False, "pairs that were matched and not kept (default: those of the manifest)", tables=False)
    seed: int = option(0, "another seed shows other pairs", tables=False)

    def __post_init__(self) -> None:
        if not self.language:
            raise UserError("--language is missing: name a metadata language of the run")
        check_range("number", self.number, 1)
        DrawOptions(self.seed)  # checks it


@dataclass(frozen=True)
class ChoiceOptions:
    """The thresholds that are compared before one is chosen."""

    t: tuple[int, ...] = option((), "thresholds of the anchor language to compare, with commas between", tables=False)
    target_pairs: int = option(0, "find the t that is expected to keep this many pairs", tables=False)
    tail_share: tuple[float, ...] = option(
        (), "tail shares for every language to compare, the anchor too, in place of t", tables=False
    )
    anchor_language: str = option("en", "the metadata language whose tail share the others take over", tables=False)
    same_t: bool = option(False, "use t for every language", tables=False)
    by_language: bool = option(False, "print every language's share of each choice as well", tables=False)

    def __post_init__(self) -> None:
        if sum(map(bool, (self.t, self.target_pairs, self.tail_share))) != 1:
            raise UserError("give one of --t A,B,..., --target-pairs N and --tail-share A,B,...")
        for t in self.t:
            check_range("t", t, 1)
        check_range("target_pairs", self.target_pairs, 0)
        for share in self.tail_share:
            if not 0 <= share <= 1:
                raise UserError(f"--tail-share must be from 0 to 1, not {share}")
        if self.same_t and self.tail_share:
            raise UserError("--same-t and --tail-share exclude each other: give one of them")


@dataclass(frozen=True)
class RebalanceOptions:
    """What of a manifest goes on to another draw, and with which numbers."""

    downloaded: tuple[str, ...] = option((), "the folder that img2dataset wrote, or several", tables=False)
    drop_equal_images: bool = option(False, "of the pairs whose image files are equal (sha256) keep one")
    seed: int | None = option(None, "decides which pairs are drawn; no seed that drew before (default: the run's + 1)")
    texts_per_image: TextsPerImage | None = option(
        None, "whether all or one of an image's texts can be drawn (default: as in the run)"
    )

    def __post_init__(self) -> None:
        if not self.downloaded:
            raise UserError("--downloaded is missing: name the folder that img2dataset wrote")
        DrawOptions(self.seed or 0)  # checks it


@dataclass(frozen=True)
class ExportOptions:
    """What other tools read."""

    output: str = option("", "the folder to write; it must be empty or not exist", tables=False)
    format: ExportFormat = option("metaclip", "whose tools will read it", tables=False)
    images_per_shard: int = option(10_000, "images of a shard of --format metaclip, on average", tables=False)

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name the folder to write")
        check_range("images_per_shard", self.images_per_shard, 1)


def flag(name: str) -> str:
    """The command-line name of a field."""
    return "--" + name.replace("_", "-")


def table_options(options: Any) -> dict[str, Any]:
    """The options that decide what a stage's tables hold, as JSON types."""
    return {
        item.name: list(value) if isinstance(value := getattr(options, item.name), tuple) else value
        for item in dataclasses.fields(options)
        if item.metadata.get("tables", True)
    }
