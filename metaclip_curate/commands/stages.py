"""metaclip-curate run, and a command for each stage of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial

from metaclip_curate.commands.command import Command, Given, recorded
from metaclip_curate.commands.output import print_json
from metaclip_curate.commands.recorded_options import add_recorded
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.dedup import DedupOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.options.printing import PrintOptions
from metaclip_curate.options.recipe import RECIPE_STAGES, RecipeOptions, recipe_words
from metaclip_curate.options.report import ReportOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.sample import SampleOptions
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.options.stages import STAGE_NAMES, RepeatOptions
from metaclip_curate.options.storage import StorageOptions

_ALL: dict[str, type] = {
    "run": RunOptions,
    "storage": StorageOptions,
    "recipe": RecipeOptions,
    "extract": ExtractOptions,
    "pool": PoolOptions,
    "dedup": DedupOptions,
    "match": MatchOptions,
    "screens": ScreenOptions,
    "balance": BalanceOptions,
    "draw": DrawOptions,
    "sample": SampleOptions,
    "report": ReportOptions,
}
_GROUPS = {
    "run": tuple(_ALL),
    "extract": ("run", "storage", "extract", "pool", "draw"),
    "dedup": ("run", "storage", "dedup"),
    "match": ("run", "storage", "recipe", "match", "screens"),
    "count": ("run", "storage", "match"),
    "balance": ("run", "storage", "recipe", "balance", "draw"),
    "sample": ("run", "storage", "recipe", "draw", "sample", "report"),
}
# The options of the whole pipeline and of each stage; a stage alone takes only what it uses.
STAGE_OPTIONS: dict[str, dict[str, type]] = {
    name: {group: _ALL[group] for group in groups} for name, groups in _GROUPS.items()
}


def _run(name: str, given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.commands.summary import print_summary, summaries
    from metaclip_curate.console.status_line import StatusLine
    from metaclip_curate.pipelines.curation import Pipeline
    from metaclip_curate.pipelines.options import Options

    _require_given(name, given)
    as_json: bool = given["print"].json
    console = StatusLine(sys.stderr if as_json else sys.stdout)
    options = Options(**{group: given[group] for group in STAGE_OPTIONS[name]})
    pipeline = Pipeline(options, recorded(words), console.log, console.status)
    if options.recipe.recipe:
        _log_recipe(name, options.recipe, console.log)
    try:
        if name == "run":
            pipeline.run(given["repeat"].again_from or "")
        else:
            getattr(pipeline, name)()
    except JobFailedError as error:
        # Once all inputs are read, their summary says why the job failed.
        if pipeline.folder.is_finished("extract", ""):
            if as_json:
                error.result = summaries(pipeline.folder, ("extract",))
            else:
                print_summary(pipeline.folder, "extract")
        raise
    if name in ("run", "sample"):
        pipeline.report()
    if as_json:
        print_json(summaries(pipeline.folder, STAGE_NAMES if name == "run" else (name,)))
    else:
        warnings = pipeline.warnings if name in ("run", "match") else ()
        print_summary(pipeline.folder, "sample" if name == "run" else name, warnings)


def _require_given(name: str, given: Given) -> None:
    """Raises a UserError that names all missing options if there are several. The stages report a single one."""
    repeated = given["repeat"].again_from if name == "run" else None
    required = (
        ("--output", "the run folder", given["run"].output),
        ("--input", "the input files", "extract" not in given or given["extract"].input or repeated),
        ("--metadata", "the metadata folder", "match" not in given or name == "count" or given["match"].metadata),
    )
    missing = [(option, value) for option, value, found in required if not found]
    if len(missing) > 1:
        options, values = (_listed([each[position] for each in missing]) for position in (0, 1))
        raise UserError(f"{options} are missing: name {values}")


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _log_recipe(name: str, recipe: RecipeOptions, log: Callable[[str], None]) -> None:
    stages = RECIPE_STAGES if name == "run" else (name,)
    overridden = {item: value for stage in stages for item, value in recipe.overridden_in(stage).items()}
    log(f"recipe: {recipe_words(str(recipe.recipe), overridden)}")


def _command(name: str, about: str, *examples: str) -> Command:
    repeat: dict[str, type] = {"repeat": RepeatOptions} if name == "run" else {}
    return Command(
        name,
        about,
        {**STAGE_OPTIONS[name], **repeat, "print": PrintOptions},
        partial(_run, name),
        examples,
        optional=("metadata",) if name == "count" else (),
        resumes=True,
        has_config=name == "run",
        recorded=partial(add_recorded, name),
    )


COMMANDS = (
    _command(
        "run",
        "run all stages, from input files to the manifest",
        "--input a.warc.wat.gz b/ --metadata lists --output out --t 20",
        "--config run.toml --output s3://bucket/run",
    ),
    _command(
        "extract",
        "read image-text pairs from input files",
        "--input a.warc.wat.gz b/ --output out",
        "--input 'pool/*.parquet' --id-column uid --keep-columns clip_score --output out",
    ),
    _command(
        "dedup",
        "keep each pair once and identify the languages of the texts",
        "--output out",
        "--lid-fallback page --min-lid-score 0.4 --dedup-passes 4 --output s3://bucket/run",
    ),
    _command(
        "match",
        "match the distinct pairs' texts against the metadata",
        "--metadata lists --output out --recipe metaclip2",
        "--metadata lists --host-list blacklists/adult --word-list en=words.txt --output out",
    ),
    _command(
        "count",
        "count the texts that contain each entry",
        "--output out",
        "--metadata s3://bucket/lists --output s3://bucket/run --json",
    ),
    _command(
        "balance",
        "choose every language's threshold from the entry counts",
        "--t 20000 --output out",
        "--tail-share 0.06 --output out",
    ),
    _command("sample", "draw the manifest from the matched pairs", "--seed 0 --output out", "--output out --no-report"),
)
