"""A chart as a Vega-Lite specification, from which both the page and the figures are drawn.

The data is kept apart from the specification, so that one specification serves every language:
`{"x": [...], "y": [[name, [...]], ...], "marks": [[x or y, label], ...]}`, where all series have the same x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metaclip_curate.report.encodings import Spec

Data = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """A chart without its data.

    Attributes:
        name: Name of its file in figures/, and its id in the page.
        title: Heading.
        caption: Explanation of the axes and of what is visible.
        spec: Vega-Lite specification that reads the data sets `rows` (x, y, series) and `marks` (at, label).
        x: Name of what is on the x axis, or in the rows of bars, in the CSV file.
        of_language: Whether every language has such a chart.
    """

    name: str
    title: str
    caption: str
    spec: Spec
    x: str
    of_language: bool = False


def rows(data: Data) -> dict[str, list[dict[str, Any]]]:
    """Returns the data sets `rows` and `marks` of a chart's data, as `rows` in page.js does."""
    return {
        "rows": [
            {"x": x, "y": y, "series": name}
            for name, ys in data["y"]
            for x, y in zip(data["x"], ys, strict=True)
            if y is not None
        ],
        "marks": [{"at": at, "label": label} for at, label in data.get("marks", [])],
    }
