"""Tiny ONNX models: their scores are the means of the colours of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper


def write_model(
    path: Path,
    shape: Sequence[int | str] = ("n", 3, 8, 8),
    kind: int = TensorProto.FLOAT,
    metadata: Mapping[str, str] | None = None,
    outputs: Sequence[str] = ("scores",),
) -> str:
    """Writes a model, and returns its path.

    Args:
        path: The file.
        shape: Shape of the input, with the colours second or last.
        kind: Type of the input.
        metadata: Entries of the model's metadata.
        outputs: Names of the outputs: one with all three means, or one for each mean.
    """
    image = helper.make_tensor_value_info("image", kind, list(shape))
    axes = [2, 3] if shape[1] == 3 else [1, 2]
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["means"], axes=axes, keepdims=0),
    ]
    if len(outputs) == 1:
        nodes.append(helper.make_node("Identity", ["means"], list(outputs)))
        infos = [helper.make_tensor_value_info(outputs[0], TensorProto.FLOAT, [shape[0], 3])]
    else:
        nodes.append(helper.make_node("Split", ["means"], list(outputs), axis=1))
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape[0], 1]) for name in outputs]
    graph = helper.make_graph(nodes, "means", [image], infos)
    model: Any = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.save(model, str(path))
    return str(path)
