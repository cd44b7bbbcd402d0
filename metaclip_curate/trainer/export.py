"""`python -m metaclip_curate.trainer.export`: one file that open_clip loads, from a sharded checkpoint."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint import FileSystemReader
from torch.distributed.checkpoint.metadata import TensorStorageMetadata

from metaclip_curate.console.wording import counted
from metaclip_curate.errors import UserError
from metaclip_curate.options.parser import OptionParser
from metaclip_curate.storage.atomic_file import atomic_write
from metaclip_curate.trainer.train.checkpoint import load_sharded

_WEIGHTS, _AVERAGE = "state_dict.", "ema."


def read_weights(checkpoint: Path, average: bool = False) -> dict[str, torch.Tensor]:
    """Reads the weights of a sharded checkpoint on one process, without the optimizer's moments.

    Args:
        checkpoint: Folder of the checkpoint.
        average: Whether the moving average takes the place of the parameters.

    Raises:
        UserError: It isn't such a folder, is damaged, or has no moving average.
    """
    try:
        stored = FileSystemReader(checkpoint).read_metadata().state_dict_metadata
    except OSError as error:
        raise UserError(f"{checkpoint} isn't a sharded checkpoint: name TRAINING/checkpoints/step-N") from error
    if average and not any(name.startswith(_AVERAGE) for name in stored):
        raise UserError(f"{checkpoint} has no moving average: leave out --ema")
    found: dict[str, Any] = {}
    for prefix in (_WEIGHTS, _AVERAGE) if average else (_WEIGHTS,):
        for name, about in stored.items():
            if name.startswith(prefix) and isinstance(about, TensorStorageMetadata):
                found.setdefault(prefix.rstrip("."), {})[name.removeprefix(prefix)] = torch.empty(
                    about.size, dtype=about.properties.dtype
                )
    load_sharded(found, checkpoint, no_dist=True)
    return {**found["state_dict"], **found.get("ema", {})}


def main(arguments: list[str]) -> int:
    """Writes the file.

    Returns:
        Exit status: 0, or 2 after a mistake of the user.
    """
    parser = OptionParser(
        "python -m metaclip_curate.trainer.export",
        description="Make one file that open_clip loads of a sharded checkpoint.",
        examples=("training/checkpoints/step-000002000 model.pt",),
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="folder of a sharded checkpoint")
    parser.add_argument("file", type=Path, metavar="FILE", help="file to write")
    parser.add_argument("--ema", action="store_true", help="take the moving average of the weights")
    parsed: argparse.Namespace = parser.parse_args(arguments)
    try:
        weights = read_weights(parsed.checkpoint, parsed.ema)
        with atomic_write(parsed.file) as file:
            torch.save({"state_dict": weights}, file)
        print(f"{parsed.file}: {counted(len(weights), 'tensor')} for open_clip")
    except UserError as error:
        print(f"metaclip_curate.trainer.export: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
