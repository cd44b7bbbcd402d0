"""The options of a training; their help texts are the command line, and a recipe gives them other defaults.

A field with `changes_output=False` changes how a training runs and never what is learned, so a training goes on with
another value of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import flag, option
from metaclip_curate.storage import StorageOptions

Precision = Literal["fp32", "bf16", "fp16"]
LossRows = Literal["local", "global"]


@dataclass(frozen=True)
class DataOptions:
    """What is learned from."""

    data: str = option("", "the folder that `metaclip-curate download` filled", changes_output=False)
    run: str = option(
        "",
        "draw each epoch anew with this run's counts and thresholds; the data come from --table matched",
        changes_output=False,
    )
    manifest: str = option("", "use only those of the pairs that this manifest has as well", changes_output=False)
    weights: tuple[str, ...] = option((), "how often a language's pairs are used, such as sw=2,en=0.5 (default: 1)")
    seed: int = option(0, "decides the order of the data, what is drawn, crops, and the first weights")
    lanes: int = option(0, "places of the data that are read at the same time; 0 chooses by ranks and workers")
    workers: int = option(4, "processes of each rank that read and decode", changes_output=False)
    prefetch: int = option(2, "batches that each of them makes ahead", changes_output=False)

    def __post_init__(self) -> None:
        if not self.data:
            raise UserError("--data is missing: name a folder that `metaclip-curate download` has filled")
        if self.run and self.manifest:
            raise UserError("--run and --manifest exclude each other: one draws anew, the other was drawn")
        _at_least("lanes", self.lanes, 0)
        _at_least("workers", self.workers, 0)
        _at_least("prefetch", self.prefetch, 1)


@dataclass(frozen=True)
class ModelOptions:
    """What learns."""

    model: str = option("ViT-B-16-quickgelu", "open_clip's name of the model, or a .json file with its configuration")
    pretrained: str = option("", "begin with these weights: a name that open_clip knows, or a file (default: random)")
    smallest_crop: float = option(0.9, "the smallest share of a picture that a random crop keeps")
    precision: Precision = option("bf16", "bf16 and fp16 compute with weights that stay fp32")
    grad_checkpointing: bool = option(False, "compute activations twice to save memory", changes_output=False)

    def __post_init__(self) -> None:
        if not 0 < self.smallest_crop <= 1:
            raise UserError(f"--smallest-crop must be a share above 0, up to 1, not {self.smallest_crop}")


@dataclass(frozen=True)
class OptimizationOptions:
    """How it learns."""

    batch_size: int = option(32_768, "pairs of a step, of all ranks together")
    accumulate: int = option(
        1, "parts in which a rank's share of a batch is computed, to save memory", changes_output=False
    )
    pairs_seen: int = option(12_800_000_000, "pairs of the whole training")
    warmup_pairs: int = option(65_536_000, "pairs over which the learning rate rises")
    lr: float = option(5e-4, "the highest learning rate; from there it falls to 0 along a cosine")
    weight_decay: float = option(0.2, "of matrices; gains, biases and the logit scale have none")
    beta1: float = option(0.9, "AdamW's")
    beta2: float = option(0.98, "AdamW's")
    eps: float = option(1e-6, "AdamW's")
    clip_norm: float = option(0.0, "the largest norm of the gradients; 0: any")
    loss_rows: LossRows = option(
        "local",
        "whether a rank computes its own rows of the loss or, alike on all ranks, the whole",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        _at_least("batch_size", self.batch_size, 2)
        _at_least("accumulate", self.accumulate, 1)
        _at_least("warmup_pairs", self.warmup_pairs, 0)
        if self.pairs_seen < self.batch_size:
            raise UserError(f"--pairs-seen must be at least one batch, {self.batch_size:,}, not {self.pairs_seen:,}")
        for name, value in (("lr", self.lr), ("eps", self.eps)):
            if value <= 0:
                raise UserError(f"{flag(name)} must be above 0, not {value}")
        for name, value in (("beta1", self.beta1), ("beta2", self.beta2)):
            if not 0 <= value < 1:
                raise UserError(f"{flag(name)} must be from 0 to below 1, not {value}")

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.pairs_seen // self.batch_size


@dataclass(frozen=True)
class OutputOptions:
    """What is written, and when."""

    output: str = option(
        "", "the training's folder; with checkpoints in it, the training goes on", changes_output=False
    )
    log_every: int = option(10, "steps between two lines of metrics", changes_output=False)
    checkpoint_every: int = option(
        1000, "steps between two checkpoints; there is one at the end, too", changes_output=False
    )
    keep_checkpoints: int = option(2, "the last checkpoints to keep; 0: all", changes_output=False)
    stop_after_steps: int = option(
        0, "stop with a checkpoint after so many steps of this start; 0: go on", changes_output=False
    )
    stop_after_minutes: float = option(
        0.0, "stop with a checkpoint before a job's time ends; 0: go on", changes_output=False
    )

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name a folder for the training's checkpoints and metrics")
        _at_least("log_every", self.log_every, 1)
        _at_least("checkpoint_every", self.checkpoint_every, 1)
        _at_least("keep_checkpoints", self.keep_checkpoints, 0)


@dataclass(frozen=True)
class TrainOptions:
    """All of a training's options.

    Attributes:
        data: What is learned from.
        model: What learns.
        optimization: How it learns.
        output: What is written, and when.
        storage: How the data are reached.
    """

    data: DataOptions
    model: ModelOptions
    optimization: OptimizationOptions
    output: OutputOptions
    storage: StorageOptions = field(default_factory=StorageOptions)


# The groups of the command line, and the tables of a recipe.
GROUPS: dict[str, type] = {
    "data": DataOptions,
    "model": ModelOptions,
    "optimization": OptimizationOptions,
    "output": OutputOptions,
    "storage": StorageOptions,
}


def language_weights(weights: tuple[str, ...]) -> dict[str, float]:
    """Reads `--weights`.

    Raises:
        UserError: One isn't a language, =, and a number.
    """
    found = {}
    for given in weights:
        language, _, number = given.partition("=")
        try:
            found[language] = float(number)
        except ValueError:
            raise UserError(f"--weights has {given!r}: write each as LANGUAGE=NUMBER, such as sw=2") from None
    return found


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise UserError(f"{flag(name)} must be at least {least}, not {value}")
