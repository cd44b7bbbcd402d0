"""Models of open_clip with their transforms and tokenizers, including the configurations in this folder."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import open_clip
import safetensors.torch
from open_clip.push_to_hf_hub import save_config_for_hf
from torch import Tensor, nn

from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.storage.atomic_file import atomic_write

_WEIGHTS, _CONFIG = "open_clip_model.safetensors", "open_clip_config.json"
FILES = (_WEIGHTS, _CONFIG)  # that `export` writes for any model
# "Sigmoid Loss for Language Image Pre-Training" (arXiv 2303.15343), section 3.2
_SIGLIP = {"init_logit_scale": math.log(10), "init_logit_bias": -10}
# Of files that are damaged or have other weights, and OSError where the hub can't be reached.
_UNREADABLE = (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError)
_SCHEMES = ("hf-hub:", "local-dir:")


@dataclass(frozen=True)
class Clip:
    """A model with its transforms and tokenizer.

    Attributes:
        name: Name of the model in open_clip.
        model: The model, which returns a dictionary of features and scale for images and tokens.
        train_transform: Function from an image to a tensor, with a random crop.
        transform: Function from an image to a tensor, for evaluation.
        tokenizer: Function from texts to tokens, shape (texts, context length).
    """

    name: str
    model: nn.Module
    train_transform: Callable[[Any], Tensor]
    transform: Callable[[Any], Tensor]
    tokenizer: Callable[[list[str]], Tensor]


def create(
    model: str, pretrained: str = "", smallest_crop: float = 0.9, cache: str = "", logit_bias: bool = False
) -> Clip:
    """Creates a model.

    Args:
        model: Name of a model in open_clip, hf-hub:NAME, local-dir:FOLDER, or a file NAME.json with a configuration.
        pretrained: Name of weights that open_clip knows for the model, or a file. Default: random weights.
        smallest_crop: Smallest share of an image that the random crop keeps.
        cache: Folder in which open_clip keeps downloads. Default: its own.
        logit_bias: Whether the model gets a logit bias, and the first logit scale that goes with it, if it has none.

    Raises:
        UserError: open_clip doesn't know the model or weights, a package that they need isn't installed, or their files
            can't be read or fetched.
    """
    name = known_name(model)
    if pretrained and not name.startswith(_SCHEMES) and not Path(pretrained).is_file():
        tags = open_clip.list_pretrained_tags_by_model(name)
        if not open_clip.pretrained.is_pretrained_cfg(name, pretrained):
            known = f"or one of open_clip's, {', '.join(tags)}" if tags else "since open_clip has none for it"
            raise UserError(f"{name} has no weights {pretrained}: name a file, {known}")
    try:
        tokenizer = open_clip.get_tokenizer(name, cache_dir=cache or None)
        made, train_transform, transform = open_clip.create_model_and_transforms(
            name,
            pretrained or None,
            output_dict=True,
            pretrained_text=False,
            aug_cfg={"scale": (smallest_crop, 1.0)},
            cache_dir=cache or None,
            **(_SIGLIP if logit_bias else {}),
        )
    except ImportError as error:
        raise UserError(
            f"{name} needs a package that isn't installed ({error}): {install_extra('trainer,hub')}"
        ) from error
    except _UNREADABLE as error:
        if Path(pretrained).is_file():
            raise UserError(f"{pretrained} has no weights of {name}: look at the file") from error
        if not isinstance(error, OSError):
            raise
        raise UserError(
            f"{name} needs files that can't be read or fetched ({_first_line(error)}): look at the paths and the "
            "connection"
        ) from error
    return Clip(name, made, train_transform, transform, tokenizer)


def known_name(model: str) -> str:
    """Adds the configurations of the package, and that of a given file, to open_clip's list.

    Args:
        model: Name of a model in open_clip, hf-hub:NAME, local-dir:FOLDER, or a file NAME.json.

    Returns:
        The model's name in open_clip.

    Raises:
        UserError: There is no such model.
    """
    for file in resources.files("metaclip_curate.trainer").joinpath("models").iterdir():
        with resources.as_file(file) as path:
            if path.suffix == ".json":
                open_clip.add_model_config(path)
    if model.endswith(".json"):
        if not Path(model).is_file():
            raise UserError(f"there is no file {model}: name the configuration of a model")
        open_clip.add_model_config(Path(model))
        model = Path(model).stem
    if not model.startswith(_SCHEMES) and model not in open_clip.list_models():
        raise UserError(f"open_clip knows no model {model}: see open_clip.list_models()")
    return model


def export(clip: Clip, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Writes a model as a folder that open_clip loads by `create_model_and_transforms("local-dir:FOLDER")`.

    Args:
        clip: The model's name, configuration and tokenizer.
        weights: The weights.
        folder: The folder to write to.
    """
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with atomic_write(folder / _WEIGHTS) as file:
        file.write(safetensors.torch.save(whole))
    config = open_clip.get_model_config(clip.name)
    if getattr(clip.model, "logit_bias", None) is not None:
        config = _SIGLIP | config
    save_config_for_hf(clip.model, folder / _CONFIG, config)
    # open_clip looks for a hub's tokenizer in the same folder.
    hub_tokenizer = getattr(clip.tokenizer, "tokenizer", None)
    if hub_tokenizer is not None:
        hub_tokenizer.save_pretrained(folder)


def _first_line(error: OSError) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
