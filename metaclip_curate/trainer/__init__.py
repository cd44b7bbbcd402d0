"""Training on curated pairs with PyTorch: data, models, the training loop, and zero-shot evaluation.

`python -m metaclip_curate.trainer` trains, `python -m metaclip_curate.trainer.evaluate` evaluates. Imports `run`,
`storage`, `balance`, `options`, `console`, `schemas` and `errors`, neither Spark nor the matcher, and no other room
imports it.
"""

from metaclip_curate.trainer.data.dataset import CuratedPairs
from metaclip_curate.trainer.data.loader import Batch, LoaderOptions, PairLoader
from metaclip_curate.trainer.data.selection import Selection, read_entry_probabilities
from metaclip_curate.trainer.data.shards import Pair
from metaclip_curate.trainer.data.stream import StreamOptions
from metaclip_curate.trainer.data.workers import ProcessRank

__all__ = [
    "Batch",
    "CuratedPairs",
    "LoaderOptions",
    "Pair",
    "PairLoader",
    "ProcessRank",
    "Selection",
    "StreamOptions",
    "read_entry_probabilities",
]
