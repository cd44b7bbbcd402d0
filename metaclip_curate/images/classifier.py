"""Scores of images by any ONNX model that takes an image and returns scores."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from metaclip_curate.errors import UserError
from metaclip_curate.images.decoding import blank, fit

if TYPE_CHECKING:
    from PIL import Image

_CHANNELS = 3
_DEFAULT_SIDE = 224  # of an input whose size is open
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
# Entries of a model's metadata that name its scores, as exporters write them.
_LABELS = ("labels", "names", "id2label", "class_names")


@dataclass(frozen=True)
class ClassifierModel:
    """A classifier, and how it is called.

    Attributes:
        data: Content of the ONNX file.
        source: Path or URL of the file, for messages.
        label: Name of the score.
        mean: Subtracted from an input whose values are from 0 to 1.
        std: What the input is then divided by.
    """

    data: bytes
    source: str
    label: str
    mean: float = 0.0
    std: float = 1.0


class ImageInput(NamedTuple):
    """The input of a model.

    Attributes:
        name: Its name.
        type: NumPy type of its values: from 0 to 255 if it is uint8, otherwise from 0 to 1 before mean and std.
        channels_first: Whether its shape is (n, 3, height, width) and not (n, height, width, 3).
        height: Pixels.
        width: Pixels.
        one_at_a_time: Whether n is 1.
    """

    name: str
    type: Any
    channels_first: bool
    height: int
    width: int
    one_at_a_time: bool


class Classifier:
    """A classifier that is ready to be called. It uses one core.

    Args:
        model: The model.

    Raises:
        UserError: The file isn't an ONNX model, has other inputs than one image, or has no such score.
    """

    def __init__(self, model: ClassifierModel) -> None:
        import onnxruntime

        self._model = model
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(model.data, settings, providers=["CPUExecutionProvider"])
        except Exception as error:  # its classes have no common one
            raise UserError(
                f"--classifier {model.source} can't be loaded as an ONNX model ({_first_line(error)}): name an .onnx "
                "file whose weights are in it"
            ) from error
        self.input = self._image_input()
        self._output, self._position = self._score()

    def check(self) -> None:
        """Scores two black images.

        Raises:
            UserError: The model fails.
        """
        self.scores([blank(self.input.width, self.input.height)] * 2)

    def scores(self, images: Sequence[Image.Image]) -> npt.NDArray[np.float64]:
        """Returns the score of each image.

        Args:
            images: n images in RGB.

        Returns:
            Shape (n,).

        Raises:
            UserError: The model fails.
        """
        if not images:
            return np.empty(0, np.float64)
        inputs = np.stack([self._prepared(image) for image in images])
        size = 1 if self.input.one_at_a_time else len(images)
        pieces = [self._run(inputs[start : start + size]) for start in range(0, len(images), size)]
        return np.concatenate(pieces)

    def _run(self, inputs: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        try:
            found = self._session.run([self._output], {self.input.name: inputs})[0]
        except Exception as error:
            raise UserError(
                f"--classifier {self._model.source} fails on images of {self.input.width} x {self.input.height} pixels "
                f"({_first_line(error)}): give a model that takes batches of this size"
            ) from error
        output = np.asarray(found, np.float64)
        if math.prod(output.shape[2:]) != 1:
            raise UserError(
                f"--classifier {self._model.source} returns an output of the shape {output.shape} for {len(inputs)} "
                "images: give a model whose output is (n, scores)"
            )
        scores = output.reshape(len(inputs), -1)
        if self._position >= scores.shape[1]:
            raise self._too_large(scores.shape[1])
        return scores[:, self._position]

    def _prepared(self, image: Image.Image) -> npt.NDArray[Any]:
        """Resizes an image until it covers the input, and cuts out the middle, as CLIP does."""
        fitted = np.asarray(fit(image, self.input.width, self.input.height))
        if self.input.type is not np.uint8:
            scaled = fitted.astype(np.float32) / 255
            fitted = ((scaled - self._model.mean) / self._model.std).astype(self.input.type)
        return fitted.transpose(2, 0, 1) if self.input.channels_first else fitted

    def _image_input(self) -> ImageInput:
        inputs = self._session.get_inputs()
        shown = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
        expected = (
            f"--classifier {self._model.source} has the inputs {shown}: give a model with one input of float, float16 "
            "or uint8, of the shape (n, 3, height, width) or (n, height, width, 3)"
        )
        if len(inputs) != 1 or inputs[0].type not in _TYPES or len(inputs[0].shape) != 4:
            raise UserError(expected)
        [found] = inputs
        first, last = found.shape[1] == _CHANNELS, found.shape[3] == _CHANNELS
        if not (first or last):
            raise UserError(expected)
        sides = found.shape[2:] if first else found.shape[1:3]
        height, width = (side if isinstance(side, int) and side > 0 else _DEFAULT_SIDE for side in sides)
        return ImageInput(found.name, _TYPES[found.type], first, height, width, found.shape[0] == 1)

    def _score(self) -> tuple[str, int]:
        """Returns the output with the score, and its position in it."""
        outputs = self._session.get_outputs()
        label = self._model.label
        for output in outputs:
            if output.name == label and (output.shape[1:] in ([], [1])):
                return output.name, 0
        named = [name.casefold() for name in self._labels]
        if label.casefold() in named:
            return outputs[0].name, named.index(label.casefold())
        if label.isascii() and label.isdigit():
            size = outputs[0].shape[-1] if outputs[0].shape else 1
            if isinstance(size, int) and int(label) >= size:
                raise self._too_large(size)
            return outputs[0].name, int(label)
        known = f"give one of its labels: {', '.join(self._labels)}" if self._labels else "give a position from 0"
        raise UserError(f"{self._no_label()}: {known}")

    def _too_large(self, scores: int) -> UserError:
        return UserError(
            f"--label {self._model.label} isn't a position among the {scores} scores of --classifier "
            f"{self._model.source}: give one from 0 to {scores - 1}"
        )

    def _no_label(self) -> str:
        named = "" if self._labels else ", which names none"
        return f"--label {self._model.label} isn't a label of --classifier {self._model.source}{named}"

    @cached_property
    def _labels(self) -> list[str]:
        entries = self._session.get_modelmeta().custom_metadata_map
        return next((_names(entries[key]) for key in _LABELS if key in entries), [])


def _names(entry: str) -> list[str]:
    """Reads a list of names: JSON (a list, or a map from positions), or names between commas."""
    try:
        read = json.loads(entry.replace("'", '"'))
    except ValueError:
        return [name.strip() for name in entry.split(",")]
    if isinstance(read, dict):
        return [str(read[key]) for key in sorted(read, key=lambda key: int(key) if str(key).isdigit() else 0)]
    return [str(name) for name in read] if isinstance(read, list) else [str(read)]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
