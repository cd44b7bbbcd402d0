"""Features of images and texts, and the ranks of the right answers among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from open_clip import build_zero_shot_classifier
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from metaclip_curate.trainer.data.decoding import BrokenImageError, decode
from metaclip_curate.trainer.data.workers import outlive_signals
from metaclip_curate.trainer.models.clip import Clip

_QUERIES = 1024
_CLASSES = 64


class _Files(Dataset[Any]):
    """Decoded and transformed image files, with None for those that can't be used."""

    def __init__(self, paths: Sequence[Path], transform: Callable[[Any], Tensor]) -> None:
        self._paths, self._transform = paths, transform

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: int) -> Tensor | None:
        try:
            return self._transform(decode(self._paths[number].read_bytes()))
        except BrokenImageError:
            return None


class Encoder:
    """Encodes images and texts to normalized features.

    Args:
        clip: The model with its transforms and tokenizer; it is moved to the device.
        device: The device.
        batch_size: Number of images or texts that are encoded at a time.
        workers: Number of processes that read images.
    """

    def __init__(self, clip: Clip, device: torch.device, batch_size: int = 64, workers: int = 0) -> None:
        self.clip, self.device = clip, device
        self._batch_size, self._workers = batch_size, workers
        clip.model.to(device).eval()

    @torch.no_grad()
    def images(self, paths: Sequence[Path]) -> tuple[Tensor, Tensor]:
        """Encodes image files.

        Returns:
            Features of the images that can be used, shape (images, dimensions), and their indices among the paths.
        """
        files = DataLoader(
            _Files(paths, self.clip.transform),
            self._batch_size,
            num_workers=self._workers,
            collate_fn=list,
            worker_init_fn=outlive_signals,
        )
        features, numbers, first = [], [], 0
        for batch in files:
            good = [number for number, picture in enumerate(batch) if picture is not None]
            numbers += [first + number for number in good]
            first += len(batch)
            if good:
                pictures = torch.stack([batch[number] for number in good]).to(self.device)
                features.append(self.clip.model.encode_image(pictures, normalize=True).float())
        return torch.cat(features) if features else torch.empty(0, 1), torch.tensor(numbers, dtype=torch.int64)

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> Tensor:
        """Encodes texts.

        Returns:
            Features, shape (texts, dimensions).
        """
        parts = [list(texts[first : first + self._batch_size]) for first in range(0, len(texts), self._batch_size)]
        encode, tokenizer = self.clip.model.encode_text, self.clip.tokenizer
        return torch.cat([encode(tokenizer(part).to(self.device), normalize=True).float() for part in parts])

    def classes(self, names: Sequence[str], templates: Sequence[Any]) -> Tensor:
        """Computes a feature of each class, the mean over its templates, by open_clip.

        Args:
            names: Name of each class.
            templates: Texts with {} for the name, or functions of it.

        Returns:
            Shape (dimensions, classes).
        """
        weights: Tensor = build_zero_shot_classifier(
            self.clip.model, self.clip.tokenizer, names, templates, num_classes_per_batch=_CLASSES, device=self.device
        )
        return weights.float()


@dataclass(frozen=True)
class Ranks:
    """The rank of each query's right answer; 0 is best.

    Attributes:
        worst: Ranks where equally similar answers come before the right one, shape (queries,).
        best: Ranks where they come after it.
    """

    worst: Tensor
    best: Tensor

    def recall_at(self, k: int) -> tuple[float, float]:
        """Computes the share of queries whose answer is among the first k: ties against the model, and for it."""
        return recall_at(self.worst, k), recall_at(self.best, k)


def recall_at(ranks: Tensor, k: int) -> float:
    """Computes the share of ranks below k."""
    return float((ranks < k).double().mean()) if len(ranks) else float("nan")


def text_ranks(images: Tensor, texts: Tensor, image_of_text: Tensor) -> Ranks:
    """Counts for each text the other images that are more similar to it than its own.

    Args:
        images: Features, shape (images, dimensions).
        texts: Features, shape (texts, dimensions).
        image_of_text: Index of the image of each text, shape (texts,).
    """
    worst, best = [], []
    for first in range(0, len(texts), _QUERIES):
        similar = texts[first : first + _QUERIES] @ images.T
        right = similar.gather(1, image_of_text[first : first + _QUERIES, None].to(similar.device))
        worst.append((similar >= right).sum(dim=1) - 1)
        best.append((similar > right).sum(dim=1))
    return Ranks(torch.cat(worst), torch.cat(best)) if worst else Ranks(torch.empty(0), torch.empty(0))


def image_ranks(images: Tensor, texts: Tensor, image_of_text: Tensor) -> Ranks:
    """Counts for each image the texts of others that are more similar to it than its most similar own text.

    Args:
        images: Features, shape (images, dimensions).
        texts: Features, shape (texts, dimensions).
        image_of_text: Index of the image of each text, shape (texts,); each image has a text.
    """
    worst, best = [], []
    for first in range(0, len(images), _QUERIES):
        similar = images[first : first + _QUERIES] @ texts.T
        numbers = torch.arange(first, first + len(similar), device=similar.device)[:, None]
        own = image_of_text.to(similar.device)[None] == numbers
        right = similar.masked_fill(~own, -torch.inf).amax(dim=1, keepdim=True)
        worst.append(((similar >= right) & ~own).sum(dim=1))
        best.append(((similar > right) & ~own).sum(dim=1))
    return Ranks(torch.cat(worst), torch.cat(best)) if worst else Ranks(torch.empty(0), torch.empty(0))


def class_ranks(images: Tensor, classes: Tensor, class_of_image: Tensor) -> Ranks:
    """Counts for each image the other classes that are more similar to it than its own.

    Args:
        images: Features, shape (images, dimensions).
        classes: Features, shape (dimensions, classes).
        class_of_image: Index of the class of each image, shape (images,).
    """
    return text_ranks(classes.T, images, class_of_image)
