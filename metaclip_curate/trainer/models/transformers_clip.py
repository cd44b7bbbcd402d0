"""Models of transformers, such as those of MetaCLIP 1 and 2 on the Hugging Face hub, for comparison."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor, nn

from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.trainer.models.clip import Clip

SCHEME = "transformers:"


class TransformersClip(nn.Module):
    """A model of transformers with the methods of open_clip that evaluation uses.

    Args:
        model: A CLIPModel, MetaClip2Model or another with `get_image_features` and `get_text_features`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._model = model

    def forward(self, image: Tensor | None = None, text: Tensor | None = None) -> dict[str, Tensor]:
        """Encodes images, texts or both to normalized features, under open_clip's names."""
        output = {}
        if image is not None:
            output["image_features"] = self.encode_image(image, normalize=True)
        if text is not None:
            output["text_features"] = self.encode_text(text, normalize=True)
        return output

    def encode_image(self, images: Tensor, normalize: bool = False) -> Tensor:
        """Encodes images to features, shape (images, dimensions)."""
        return _features(self._model.get_image_features(pixel_values=images), normalize)

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """Encodes texts to features, shape (texts, dimensions). They are those of the last token before any padding."""
        return _features(self._model.get_text_features(input_ids=tokens), normalize)


def create(name: str) -> Clip:
    """Loads a model.

    Args:
        name: transformers: and a name on the hub or a folder.

    Raises:
        UserError: transformers isn't installed or can't load the model.
    """
    path = name.removeprefix(SCHEME)
    try:
        transformers = importlib.import_module("transformers")
    except ImportError as error:
        raise UserError(f"{name} needs transformers: {install_extra('trainer,hub')}") from error
    try:
        model = transformers.AutoModel.from_pretrained(path)
        tokenizer = transformers.AutoTokenizer.from_pretrained(path)
        processor = transformers.AutoImageProcessor.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise UserError(f"transformers can't load {path}: {str(error).splitlines()[0]}") from error
    length = model.config.text_config.max_position_embeddings

    def tokens_of(texts: list[str]) -> Tensor:
        encoded = tokenizer(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt")
        tokens: Tensor = encoded["input_ids"]
        return tokens

    def pixels_of(image: Any) -> Tensor:
        pixels: Tensor = processor(images=image, return_tensors="pt")["pixel_values"][0]
        return pixels

    return Clip(name, TransformersClip(model), pixels_of, pixels_of, tokens_of)


def _features(output: Any, normalize: bool) -> Tensor:
    # transformers 4 returns a tensor, transformers 5 an object that holds it.
    features: Tensor = output if isinstance(output, Tensor) else output.pooler_output
    return torch.nn.functional.normalize(features, dim=-1) if normalize else features
