"""Training on what was curated: PyTorch and nothing of Spark.

`dataset.CuratedPairs` gives pairs, `loader.PairLoader` batches of them. `units` says what a source of shards is,
`webdataset_source` and `folder_source` are the two there are; `sampling` decides which texts an epoch uses, with
`subset` for a part of a download; `order` decides in which order, and `lane` reads them.

`python -m metaclip_curate.trainer` trains: `training` from options to a finished model, `step` one step of it,
`schedule` the learning rate, `checkpoint` and `metrics` what is left, `recipe` where options come from. `clip` makes
open_clip's models. `python -m metaclip_curate.trainer.evaluate` evaluates, with `zero_shot`.
"""

from metaclip_curate.trainer.data.dataset import CuratedPairs
from metaclip_curate.trainer.data.loader import Batch, Loading, PairLoader
from metaclip_curate.trainer.data.selection import Sampling, entry_probabilities_of
from metaclip_curate.trainer.data.shards import Pair, Reading

__all__ = [
    "Batch",
    "CuratedPairs",
    "Loading",
    "Pair",
    "PairLoader",
    "Reading",
    "Sampling",
    "entry_probabilities_of",
]
