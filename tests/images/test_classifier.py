"""Classifiers: how they are called, and models that can't be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from metaclip_curate.errors import UserError
from metaclip_curate.images.classifier import Classifier, ClassifierModel
from tests.support.onnx_models import write_model

ORANGE = Image.new("RGB", (40, 20), (255, 128, 0))
BLUE = Image.new("RGB", (20, 40), (0, 0, 255))


def classifier(path: str, label: str, **given: Any) -> Classifier:
    return Classifier(ClassifierModel(Path(path).read_bytes(), path, label, **given))


@pytest.mark.parametrize(
    ("shape", "kind", "scale"),
    [
        (("n", 3, 8, 8), TensorProto.FLOAT, 255),
        (("n", 8, 8, 3), TensorProto.FLOAT, 255),
        (("n", 3, "h", "w"), TensorProto.FLOAT, 255),
        ((1, 3, 8, 8), TensorProto.FLOAT, 255),
        (("n", 8, 8, 3), TensorProto.UINT8, 1),
        (("n", 3, 8, 8), TensorProto.FLOAT16, 255),
    ],
)
def test_forms_of_the_input(tmp_path: Path, shape: tuple[Any, ...], kind: int, scale: int) -> None:
    path = write_model(tmp_path / "model.onnx", shape, kind)
    scores = classifier(path, "1").scores([ORANGE, BLUE, ORANGE])
    assert scores.tolist() == pytest.approx([128 / scale, 0, 128 / scale], abs=1e-3)
    assert classifier(path, "1").scores([]).tolist() == []


def test_mean_and_std(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.onnx")
    assert classifier(path, "0", mean=0.5, std=0.25).scores([ORANGE, BLUE]).tolist() == pytest.approx([2, -2])


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": '["safe", "other", "unsafe"]'},
        {"labels": "safe, other, unsafe"},
        {"names": "{0: 'safe', 1: 'other', 2: 'unsafe'}".replace("0", '"0"').replace("1", '"1"').replace("2", '"2"')},
        {"id2label": '{"0": "safe", "2": "Unsafe", "1": "other"}'},
    ],
)
def test_labels_of_the_metadata(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = write_model(tmp_path / "model.onnx", metadata=metadata)
    assert classifier(path, "unsafe").scores([BLUE, ORANGE]).tolist() == [1, 0]
    with pytest.raises(UserError, match=r"--label blue isn't a label of .*model.onnx: give one of its labels: safe,"):
        classifier(path, "blue")


def test_an_output_for_each_score(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.onnx", outputs=("red", "green", "blue"))
    assert classifier(path, "blue").scores([BLUE, ORANGE]).tolist() == [1, 0]


def test_labels_that_the_model_lacks(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.onnx")
    with pytest.raises(UserError, match=r"model\.onnx, which names none: give a position from 0"):
        classifier(path, "unsafe")
    with pytest.raises(UserError, match=r"isn't a position among the 3 scores .*: give one from 0 to 2"):
        classifier(path, "3")


def test_a_model_that_fails_is_found_before_any_image_is_read(tmp_path: Path) -> None:
    classifier(write_model(tmp_path / "model.onnx", (1, 3, 8, 8)), "0").check()
    path = write_model(tmp_path / "five.onnx", (5, 3, 8, 8))
    with pytest.raises(
        UserError, match=r"five\.onnx fails on images of 8 x 8 pixels .*: give a model that takes batches"
    ):
        classifier(path, "0").check()


def test_models_that_do_not_take_an_image(tmp_path: Path) -> None:
    def save(*inputs: Any) -> str:
        node = helper.make_node("Identity", [inputs[0].name], ["out"])
        out = helper.make_tensor_value_info("out", inputs[0].type.tensor_type.elem_type, None)
        graph = helper.make_graph([node], "identity", list(inputs), [out])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
        onnx.save(model, str(tmp_path / "other.onnx"))
        return str(tmp_path / "other.onnx")

    def info(name: str, kind: int, *shape: int | str) -> Any:
        return helper.make_tensor_value_info(name, kind, list(shape))

    right = r"give a model with one input of float, float16 or uint8, of the shape \(n, 3, height, width\)"
    for inputs in (
        [info("tokens", TensorProto.INT64, "n", 77)],
        [info("grey", TensorProto.FLOAT, "n", 1, 8, 8)],
        [info("image", TensorProto.FLOAT, "n", 3, 8, 8), info("text", TensorProto.FLOAT, "n", 3, 8, 8)],
    ):
        with pytest.raises(UserError, match=rf"other\.onnx has the inputs {inputs[0].name} .*: {right}"):
            classifier(save(*inputs), "0")
    with pytest.raises(UserError, match=r"returns an output of the shape \(2, 3, 8, 8\) for 2 images"):
        classifier(save(info("image", TensorProto.FLOAT, "n", 3, 8, 8)), "0").check()
    (tmp_path / "torn.onnx").write_bytes(b"no model")
    with pytest.raises(UserError, match=r"torn\.onnx can't be loaded as an ONNX model"):
        classifier(str(tmp_path / "torn.onnx"), "0")
