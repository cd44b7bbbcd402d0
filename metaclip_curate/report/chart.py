"""What each chart shows and how it is drawn: Vega-Lite, once for the page and for the figures.

A chart's data is kept apart from its form, so that one form serves every language:
`{"x": [...], "y": [[name, [...]], ...], "marks": [[x or y, label], ...]}`, all series on the same x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metaclip_curate.report.encodings import Spec

Data = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """The form of a chart.

    Attributes:
        name: Its file's name in figures/, and its id in the page.
        title: A short heading.
        caption: What the axes are and what there is to see.
        spec: A Vega-Lite specification that reads the data sets `rows` (x, y, series) and `marks` (at, label).
        of_language: Whether there is one of every language.
    """

    name: str
    title: str
    caption: str
    spec: Spec
    of_language: bool = False


def rows(data: Data) -> dict[str, list[dict[str, Any]]]:
    """The data sets of a chart's data: what `rows` in page.js does."""
    return {
        "rows": [
            {"x": x, "y": y, "series": name}
            for name, ys in data["y"]
            for x, y in zip(data["x"], ys, strict=True)
            if y is not None
        ],
        "marks": [{"at": at, "label": label} for at, label in data.get("marks", [])],
    }
