"""The data of a training, made from its options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.data.chunks import Tokenizer
from metaclip_curate.trainer.data.dataset import CuratedPairs
from metaclip_curate.trainer.data.loader import LoaderOptions, PairLoader
from metaclip_curate.trainer.data.stream import StreamOptions
from metaclip_curate.trainer.data.subset import read_uids
from metaclip_curate.trainer.data.workers import ProcessRank
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.options import TrainOptions, language_weights


def open_pairs(options: TrainOptions, distributed: Distributed) -> CuratedPairs:
    """Opens the data set, without a transform.

    Args:
        options: All options of the training.
        distributed: This process among those that train together.

    Raises:
        UserError: The batch can't be split evenly, or the data can't be used.
    """
    data, optimization = options.data, options.optimization
    parts = distributed.world_size * optimization.accumulate
    if optimization.batch_size % parts:
        raise UserError(
            f"--batch-size must be a multiple of ranks x --accumulate, {parts}, not {optimization.batch_size}"
        )
    given: dict[str, Any] = {
        "seed": data.seed,
        "weights": language_weights(data.weights),
        "storage": options.storage,
        "process": ProcessRank(
            distributed.rank, distributed.world_size, distributed.add_up if distributed.world_size > 1 else None
        ),
        "streams": StreamOptions(data.streams, by_entries=data.batch_by == "entries"),
    }
    if data.run:
        return CuratedPairs.online(data.data, data.run, **given)
    if data.manifest:  # sorted by rank 0, mapped by all
        distributed.on_main(lambda: _sort_uids(options))
    return CuratedPairs.offline(data.data, manifest=data.manifest, cache=options.output.output, **given)


def pair_loader(
    pairs: CuratedPairs,
    options: TrainOptions,
    distributed: Distributed,
    transform: Callable[[Any], Any],
    tokenizer: Tokenizer,
) -> PairLoader:
    """Makes the loader of this rank's batches.

    Args:
        pairs: Data set from `open_pairs`, which gets the transform.
        options: All options of the training.
        distributed: This process among those that train together.
        transform: Function from an image to a tensor.
        tokenizer: Function from a list of texts to tokens.
    """
    pairs.transform = transform
    data, batch_size = options.data, options.optimization.batch_size
    loader_options = LoaderOptions(data.workers, data.prefetch, pin_memory=distributed.device.type == "cuda")
    return PairLoader(pairs, batch_size // distributed.world_size, tokenizer, loader_options)


def _sort_uids(options: TrainOptions) -> None:
    read_uids(options.data.manifest, options.storage, options.output.output)
