"""Lets PyPI's torchvision be imported beside a CPU build of torch, as long as this folder is in PYTHONPATH.

PyPI has torchvision for Linux on x86-64 built for CUDA only. Beside torch's CPU build its compiled part can't be
loaded, which it puts up with, but for two operators that its Python part registers something for. Declared beforehand,
they are there, and transforms, which are all that is needed of torchvision, work. With a torchvision that fits its
torch, nothing is done.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.metadata
import sys
from collections.abc import Sequence
from types import ModuleType


class DeclareOperators(importlib.abc.MetaPathFinder):
    """Declares the operators when torchvision is about to be imported, and finds nothing itself.

    Attributes:
        library: What was declared; it lasts as long as this object.
    """

    library: object = None

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        if name != "torchvision" or self.library is not None:
            return None
        import torch

        # Builds of one kind name it in their version: 0.28.0+cpu.
        if torch.version.cuda is None and "+" not in importlib.metadata.version("torchvision"):
            library = self.library = torch.library.Library("torchvision", "DEF")
            for operator in ("nms", "qnms"):
                library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return None


sys.meta_path.insert(0, DeclareOperators())
