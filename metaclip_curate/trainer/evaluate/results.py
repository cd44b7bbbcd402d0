"""The measurements of an evaluation, from features and the right answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from metaclip_curate.console.text_table import text_table
from metaclip_curate.trainer.evaluate.zero_shot import Encoder, class_ranks, image_ranks, text_ranks


@dataclass(frozen=True)
class Result:
    """One measurement.

    Attributes:
        task: classification, image to text, or text to image.
        language: Language of the class names or texts.
        measure: top-K or recall@K: the share of queries whose answer is among the first K candidates.
        value: The share, from 0 to 1, where equally similar candidates come before the right one.
        value_with_ties: The share where they come after it.
        queries: Number of queries.
        candidates: Number of candidates.
        dataset: Name of the test set; empty if its files were given.
    """

    task: str
    language: str
    measure: str
    value: float
    value_with_ties: float
    queries: int
    candidates: int
    dataset: str = ""

    @property
    def name(self) -> str:
        """The measurement's name in metrics, such as xtd10/text to image/de/recall@1."""
        return "/".join(part for part in (self.dataset, self.task, self.language, self.measure) if part)


def classification_results(
    images: Tensor, classes: Tensor, class_of_image: Tensor, language: str, dataset: str = ""
) -> Iterator[Result]:
    """Computes the top-1 and top-5 accuracy of one language.

    Args:
        images: Features, shape (images, dimensions).
        classes: Features, shape (dimensions, classes).
        class_of_image: Index of the class of each image, shape (images,).
        language: Language of the class names.
        dataset: Name of the test set.
    """
    ranks, of = class_ranks(images, classes, class_of_image), (len(images), classes.shape[1])
    for k in (1, 5):
        yield Result("classification", language, f"top-{k}", *ranks.recall_at(k), *of, dataset)


def retrieval_results(
    encoder: Encoder, images: Tensor, texts: Sequence[str], image_of_text: Tensor, language: str, dataset: str = ""
) -> Iterator[Result]:
    """Computes the recall of one language at 1, 5 and 10, both ways.

    Args:
        encoder: Encoder of the texts.
        images: Features, shape (images, dimensions).
        texts: Captions, each of one image.
        image_of_text: Index of the image of each text, shape (texts,); each image has a text.
        language: Language of the texts.
        dataset: Name of the test set.
    """
    features = encoder.texts(texts)
    to_image, to_text = text_ranks(images, features, image_of_text), image_ranks(images, features, image_of_text)
    for k in (1, 5, 10):
        measure, of_images, of_texts = f"recall@{k}", len(images), len(texts)
        yield Result("text to image", language, measure, *to_image.recall_at(k), of_texts, of_images, dataset)
        yield Result("image to text", language, measure, *to_text.recall_at(k), of_images, of_texts, dataset)


def results_table(results: Sequence[Result]) -> str:
    """Formats results, with a column for the test set if any has a name."""
    titles = ("task", "language", "measure", "value", "with ties", "queries", "candidates")
    rows = [
        (
            one.task,
            one.language,
            one.measure,
            f"{one.value:.1%}",
            f"{one.value_with_ties:.1%}",
            f"{one.queries:,}",
            f"{one.candidates:,}",
        )
        for one in results
    ]
    if any(one.dataset for one in results):
        named = [(one.dataset, *row) for one, row in zip(results, rows, strict=True)]
        return text_table(("test set", *titles), named, "<<<<>>>>")
    return text_table(titles, rows, "<<<>>>>")
