"""Models that transformers has, such as MetaCLIP's and MetaCLIP 2's of the Hugging Face hub, for comparison."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor, nn

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.models.clip import Clip

SCHEME = "transformers:"


class TransformersClip(nn.Module):
    """Gives one of transformers' models the two methods of open_clip's that evaluation uses.

    Args:
        model: A CLIPModel, MetaClip2Model or another with `get_image_features` and `get_text_features`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._model = model

    def encode_image(self, images: Tensor, normalize: bool = False) -> Tensor:
        """Features of pictures, shape (images, dimensions)."""
        return _features(self._model.get_image_features(pixel_values=images), normalize)

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """Features of texts, shape (texts, dimensions). A text's feature is read at its end, before any padding."""
        return _features(self._model.get_text_features(input_ids=tokens), normalize)


def create(name: str) -> Clip:
    """Loads a model.

    Args:
        name: transformers:, and a name on the hub or a folder.

    Raises:
        UserError: transformers isn't installed, or has no such model.
    """
    place = name.removeprefix(SCHEME)
    try:
        transformers = importlib.import_module("transformers")
    except ImportError as error:
        raise UserError(f"{name} needs transformers: pip install 'metaclip-curate[trainer,hub]'") from error
    try:
        model = transformers.AutoModel.from_pretrained(place)
        tokenizer = transformers.AutoTokenizer.from_pretrained(place)
        processor = transformers.AutoImageProcessor.from_pretrained(place)
    except (OSError, ValueError) as error:
        raise UserError(f"transformers can't load {place}: {str(error).splitlines()[0]}") from error
    length = model.config.text_config.max_position_embeddings

    def tokens_of(texts: list[str]) -> Tensor:
        encoded = tokenizer(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt")
        tokens: Tensor = encoded["input_ids"]
        return tokens

    def pixels_of(image: Any) -> Tensor:
        pixels: Tensor = processor(images=image, return_tensors="pt")["pixel_values"][0]
        return pixels

    return Clip(name, TransformersClip(model), pixels_of, pixels_of, tokens_of)


def _features(given: Any, normalize: bool) -> Tensor:
    # Until version 4 a tensor, since 5 an output that holds it.
    features: Tensor = given if isinstance(given, Tensor) else given.pooler_output
    return torch.nn.functional.normalize(features, dim=-1) if normalize else features
