"""The options of a training, from which the command line is made and to which recipes give other defaults.

A field with `changes_output=False` changes how a training runs but not what it learns, so a training can be resumed
with another value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_above_zero, check_range, flag, option
from metaclip_curate.storage import StorageOptions, is_local
from metaclip_curate.trainer.evaluate.options import EvaluationFiles

BatchBy = Literal["shuffle", "entries"]
Decoder = Literal["pil", "torch"]
Precision = Literal["fp32", "bf16", "fp16"]
Parallel = Literal["ddp", "fsdp"]
Schedule = Literal["cosine", "constant"]
LossName = Literal["clip", "siglip"]
LossRows = Literal["local", "global"]
_MOST_WORKERS = 1024
_HIGHEST_WEIGHT = 1000  # an epoch is drawn once for each copy


@dataclass(frozen=True)
class DataOptions:
    """Options of the data."""

    data: str = option(
        "",
        "folder that `metaclip-curate download` filled, or of the tars from which --manifest was curated",
        metavar="PATH",
        required=True,
        changes_output=False,
    )
    run: str = option(
        "",
        "run folder by whose counts and thresholds each epoch is drawn anew; --data is from `download --table matched`",
        metavar="PATH",
        changes_output=False,
    )
    manifest: str = option(
        "",
        "manifest to which the pairs are restricted (default: all pairs of the data)",
        metavar="PATH",
        changes_output=False,
    )
    weights: tuple[str, ...] = option(
        (), "how often a language's pairs are used, such as sw=2,en=0.5 (default: 1)", metavar="LANG=N"
    )
    seed: int = option(0, "seed of the order of the data, the draw, the crops and the first weights", metavar="N")
    batch_by: BatchBy = option(
        "shuffle", "whether batches are random, or pairs that share entries are put far apart (entries)"
    )
    streams: int = option(
        0,
        "number of positions of an epoch that are read at the same time; 0: at least 16, by ranks and workers",
        metavar="N",
    )
    workers: int = option(4, "number of processes of each rank that read and decode", metavar="N", changes_output=False)
    decoder: Decoder = option(
        "pil", "what resizes images: Pillow, as open_clip, or torch, which is faster and rounds differently"
    )
    prefetch: int = option(2, "number of batches that each of them prepares ahead", metavar="N", changes_output=False)

    def __post_init__(self) -> None:
        if not self.data:
            raise UserError("--data is missing: name a folder that `metaclip-curate download` has filled")
        if self.run and self.manifest:
            raise UserError("--run and --manifest exclude each other: one draws anew, the other was drawn")
        if not 0 <= self.seed < 2**64:
            raise UserError(f"--seed must be from 0 to 2^64 - 1, not {self.seed}")
        check_range("streams", self.streams, 0)
        check_range("workers", self.workers, 0, _MOST_WORKERS)
        check_range("prefetch", self.prefetch, 1, _MOST_WORKERS)
        language_weights(self.weights)


@dataclass(frozen=True)
class ModelOptions:
    """Options of the model."""

    model: str = option(
        "ViT-B-16-quickgelu", "open_clip's name of the model, or a .json file with its configuration", metavar="NAME"
    )
    pretrained: str = option(
        "", "weights to start from: a name that open_clip knows, or a file (default: random)", metavar="NAME"
    )
    smallest_crop: float = option(0.9, "smallest share of an image that a random crop keeps", metavar="SHARE")
    precision: Precision = option("bf16", "number format; bf16 and fp16 compute with weights that stay fp32")
    grad_checkpointing: bool = option(False, "compute activations twice to save memory", changes_output=False)
    compile: bool = option(False, "compile the blocks of the model by torch.compile", changes_output=False)
    parallel: Parallel = option(
        "ddp",
        "whether each rank holds the whole model and its optimizer, or a part of them (fsdp)",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        if not 0 < self.smallest_crop <= 1:
            raise UserError(f"--smallest-crop must be a share above 0, up to 1, not {self.smallest_crop}")


@dataclass(frozen=True)
class OptimizationOptions:
    """Options of the optimization."""

    batch_size: int = option(32_768, "number of pairs in a step, of all ranks together", metavar="N")
    accumulate: int = option(
        1,
        "number of parts in which a rank's share of a batch is computed, to save memory",
        metavar="N",
        changes_output=False,
    )
    pairs_seen: int = option(12_800_000_000, "number of pairs of the whole training", metavar="N")
    warmup_pairs: int = option(65_536_000, "number of pairs over which the learning rate rises", metavar="N")
    lr: float = option(5e-4, "highest learning rate", metavar="RATE")
    schedule: Schedule = option("cosine", "whether the rate falls to 0 along a cosine after the warm-up, or stays")
    cooldown_pairs: int = option(
        0, "number of pairs at the end over which a constant rate falls to 0 along a line", metavar="N"
    )
    ema: float = option(
        0.0, "decay of a moving average of the weights, such as 0.9999, which is exported too; 0: none", metavar="RATE"
    )
    weight_decay: float = option(
        0.2, "weight decay of matrices; gains, biases and the logit scale have none", metavar="RATE"
    )
    beta1: float = option(0.9, "AdamW's beta1", metavar="RATE")
    beta2: float = option(0.98, "AdamW's beta2", metavar="RATE")
    eps: float = option(1e-6, "AdamW's epsilon", metavar="NUMBER")
    clip_norm: float = option(0.0, "largest norm of the gradients; 0: any", metavar="NUMBER")
    loss: LossName = option("clip", "softmax over the batch, as CLIP, or a sigmoid for each pair, as SigLIP")
    loss_rows: LossRows = option(
        "local", "whether a rank computes only its own rows of the loss, or each rank all of them", changes_output=False
    )
    max_bad_steps: int = option(
        20,
        "number of steps in a row that may be skipped since loss or gradients aren't finite, before the training fails",
        metavar="N",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        check_range("batch_size", self.batch_size, 2)
        check_range("accumulate", self.accumulate, 1)
        check_range("warmup_pairs", self.warmup_pairs, 0)
        check_range("cooldown_pairs", self.cooldown_pairs, 0)
        check_range("max_bad_steps", self.max_bad_steps, 0)
        if self.cooldown_pairs and self.schedule != "constant":
            raise UserError("--cooldown-pairs needs --schedule constant, since a cosine falls anyway")
        if self.pairs_seen < self.batch_size:
            raise UserError(f"--pairs-seen must be at least one batch, {self.batch_size:,}, not {self.pairs_seen:,}")
        if self.cooldown_pairs > max(0, self.pairs_seen - self.warmup_pairs):
            raise UserError(
                f"--cooldown-pairs must be at most the {max(0, self.pairs_seen - self.warmup_pairs):,} pairs of "
                f"--pairs-seen that follow --warmup-pairs, not {self.cooldown_pairs:,}"
            )
        for name in ("lr", "eps"):
            check_above_zero(name, getattr(self, name))
            _check_finite(name, getattr(self, name))
        for name in ("weight_decay", "clip_norm"):
            _check_not_negative(name, getattr(self, name))
        for name, value in (("beta1", self.beta1), ("beta2", self.beta2), ("ema", self.ema)):
            if not 0 <= value < 1:
                raise UserError(f"{flag(name)} must be from 0 to below 1, not {value}")

    @property
    def steps(self) -> int:
        """Number of steps of the whole training."""
        return self.pairs_seen // self.batch_size


@dataclass(frozen=True)
class OutputOptions:
    """Options of the output."""

    output: str = option(
        "",
        "folder of the training; if it has checkpoints, the training continues from the last",
        metavar="PATH",
        required=True,
        changes_output=False,
    )
    log_every: int = option(10, "number of steps between two lines of metrics", metavar="N", changes_output=False)
    checkpoint_every: int = option(
        1000, "number of steps between two checkpoints; the end has one too", metavar="N", changes_output=False
    )
    keep_checkpoints: int = option(2, "number of checkpoints to keep; 0: all", metavar="N", changes_output=False)
    wandb: str = option(
        "", "project of Weights & Biases to which metrics are sent as well", metavar="PROJECT", changes_output=False
    )
    stop_after_steps: int = option(
        0, "stop with a checkpoint after this many steps; 0: don't stop", metavar="N", changes_output=False
    )
    stop_after_minutes: float = option(
        0.0, "stop with a checkpoint before a job's time ends; 0: don't stop", metavar="MINUTES", changes_output=False
    )

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name a folder for the training's checkpoints and metrics")
        if not is_local(self.output):
            raise UserError(
                f"--output must be a folder of a file system that all ranks share, not {self.output}: copy the folder "
                "after the training, or mount the bucket"
            )
        check_range("log_every", self.log_every, 1)
        check_range("checkpoint_every", self.checkpoint_every, 1)
        check_range("keep_checkpoints", self.keep_checkpoints, 0)
        check_range("stop_after_steps", self.stop_after_steps, 0)
        _check_not_negative("stop_after_minutes", self.stop_after_minutes)


@dataclass(frozen=True)
class EvaluationOptions(EvaluationFiles):
    """Options of the evaluation while training, as those of `python -m metaclip_curate.trainer.evaluate`."""

    evaluate_every: int = option(
        0, "number of steps between two evaluations; the end has one too; 0: none", metavar="N", changes_output=False
    )
    evaluate_languages: tuple[str, ...] = option(
        (), "evaluate only these languages (default: all)", metavar="LANG", changes_output=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("evaluate_every", self.evaluate_every, 0)
        if self.evaluate_every and self.is_empty:
            raise UserError("--evaluate-every needs --images with --classes or --captions, or --benchmarks")
        if not self.evaluate_every and not self.is_empty:
            raise UserError("--evaluate-every is missing: give the number of steps between two evaluations")


@dataclass(frozen=True)
class TrainOptions:
    """All options of a training.

    Attributes:
        data: Options of the data.
        model: Options of the model.
        optimization: Options of the optimization.
        output: Options of the output.
        evaluation: Options of the evaluation while training.
        storage: Credentials and limits for reading the data.
    """

    data: DataOptions
    model: ModelOptions
    optimization: OptimizationOptions
    output: OutputOptions
    evaluation: EvaluationOptions = field(default_factory=EvaluationOptions)
    storage: StorageOptions = field(default_factory=StorageOptions)


# Groups of the command line, which are the tables of a recipe.
GROUPS: dict[str, type] = {
    "data": DataOptions,
    "model": ModelOptions,
    "optimization": OptimizationOptions,
    "output": OutputOptions,
    "evaluation": EvaluationOptions,
    "storage": StorageOptions,
}


def language_weights(weights: tuple[str, ...]) -> dict[str, float]:
    """Parses `--weights`.

    Returns:
        Weight of each language that is named.

    Raises:
        UserError: A weight isn't of the form LANGUAGE=NUMBER, or is negative or above 1,000.
    """
    found = {}
    for given in weights:
        language, _, number = given.partition("=")
        try:
            found[language] = float(number)
        except ValueError:
            raise UserError(f"--weights has {given!r}: write each as LANGUAGE=NUMBER, such as sw=2") from None
        if not 0 <= found[language] <= _HIGHEST_WEIGHT:
            raise UserError(f"--weights has {given!r}: give a number from 0 to {_HIGHEST_WEIGHT:,}")
    return found


def _check_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise UserError(f"{flag(name)} must be a number, not {value}")


def _check_not_negative(name: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise UserError(f"{flag(name)} must be a number from 0 up, not {value}")
