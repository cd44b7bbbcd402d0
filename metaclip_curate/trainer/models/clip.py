"""Models, their transforms and tokenizers: open_clip's, with the configurations that ship here added to its list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import open_clip
import safetensors.torch
from open_clip.push_to_hf_hub import save_config_for_hf
from torch import Tensor, nn

from metaclip_curate.errors import UserError
from metaclip_curate.storage.atomic_file import atomic_write

_WEIGHTS, _CONFIG = "open_clip_model.safetensors", "open_clip_config.json"
_SCHEMES = ("hf-hub:", "local-dir:")


@dataclass(frozen=True)
class Clip:
    """A model and what makes its input.

    Attributes:
        name: open_clip's name of the model.
        model: The model; called with images and tokens, it gives a dictionary of features and scale.
        train_transform: A picture to a tensor, with a random crop.
        transform: A picture to a tensor, for evaluation.
        tokenizer: Texts to tokens, shape (texts, context length).
    """

    name: str
    model: nn.Module
    train_transform: Callable[[Any], Tensor]
    transform: Callable[[Any], Tensor]
    tokenizer: Callable[[list[str]], Tensor]


def create(model: str, pretrained: str = "", smallest_crop: float = 0.9, cache: str = "") -> Clip:
    """Makes a model.

    Args:
        model: A name that open_clip knows, hf-hub:NAME, local-dir:FOLDER, or a file NAME.json with a configuration.
        pretrained: A name of weights that open_clip knows for it, or a file of weights; empty: random weights.
        smallest_crop: The smallest share of a picture that the random crop keeps.
        cache: Where open_clip keeps what it fetches; empty: its own place.

    Raises:
        UserError: open_clip knows no such model or weights, or what they need isn't installed.
    """
    name = known_name(model)
    if pretrained and not name.startswith(_SCHEMES) and not Path(pretrained).is_file():
        tags = open_clip.list_pretrained_tags_by_model(name)
        if not open_clip.pretrained.is_pretrained_cfg(name, pretrained):
            known = f"open_clip knows {', '.join(tags)}" if tags else "open_clip knows none for it"
            raise UserError(f"{name} has no weights {pretrained}: name a file, or what {known}")
    try:
        tokenizer = open_clip.get_tokenizer(name, cache_dir=cache or None)
        made, train_transform, transform = open_clip.create_model_and_transforms(
            name,
            pretrained or None,
            output_dict=True,
            pretrained_text=False,
            aug_cfg={"scale": (smallest_crop, 1.0)},
            cache_dir=cache or None,
        )
    except ImportError as error:
        raise UserError(
            f"{name} needs a package that isn't installed ({error}): pip install 'metaclip-curate[trainer,hub]'"
        ) from error
    return Clip(name, made, train_transform, transform, tokenizer)


def known_name(model: str) -> str:
    """Adds configurations to open_clip's list, those that ship and the file that is named, and returns its name there.

    Raises:
        UserError: There is no such model.
    """
    for file in resources.files("metaclip_curate.trainer").joinpath("models").iterdir():
        with resources.as_file(file) as path:
            if path.suffix == ".json":
                open_clip.add_model_config(path)
    if model.endswith(".json"):
        if not Path(model).is_file():
            raise UserError(f"there is no file {model}: name a model's configuration")
        open_clip.add_model_config(Path(model))
        model = Path(model).stem
    if not model.startswith(_SCHEMES) and model not in open_clip.list_models():
        raise UserError(f"open_clip knows no model {model}: see open_clip.list_models()")
    return model


def export(clip: Clip, model: nn.Module, folder: Path) -> None:
    """Writes a model as a folder that open_clip takes: `create_model_and_transforms("local-dir:FOLDER")`.

    Args:
        clip: What it was made from.
        model: The model with its weights.
        folder: Where to.
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with atomic_write(folder / _WEIGHTS) as file:
        file.write(safetensors.torch.save(weights))
    save_config_for_hf(model, folder / _CONFIG, open_clip.get_model_config(clip.name))
    # open_clip looks for a hub's tokenizer in the same folder.
    hub_tokenizer = getattr(clip.tokenizer, "tokenizer", None)
    if hub_tokenizer is not None:
        hub_tokenizer.save_pretrained(folder)
