"""The height of a drawn chart, which the page reserves: if it grew, links to what is below would miss."""

from __future__ import annotations

from typing import Any

from metaclip_curate.report.chart import Chart, Data

# Pixels around the plot in the page's theme, rounded up: the x axis with its labels and title, and the legend's line.
_AXIS, _LEGEND = 50, 26
# Vega-Lite's paddings of bands: between bars, and between groups of bars.
_BAR_PADDING, _GROUP_PADDING = 0.1, 0.2
# Most bars of a chart that every language has: before, with the limit, and after the draw.
_MOST_BARS = 3


def chart_height(chart: Chart, data: Data | None = None) -> int:
    """Returns the height in CSS pixels that a chart takes at most.

    Args:
        chart: The chart. Its legend has one line in the page.
        data: Its data, unless every language has such a chart.
    """
    encoding: dict[str, Any] = chart.spec["encoding"]
    has_legend = "color" in encoding and encoding["color"].get("legend", {}) is not None
    return _plot_height(chart, data) + _AXIS + (_LEGEND if has_legend else 0)


def _plot_height(chart: Chart, data: Data | None) -> int:
    height: int | dict[str, float] = chart.spec["height"]
    if not isinstance(height, dict):
        return height
    bars = len(data["x"]) if data else _MOST_BARS
    if "yOffset" not in chart.spec["encoding"]:
        return round(bars * height["step"])  # half of the padding is at either end
    series = len(data["y"]) if data else 1
    return round((bars + _GROUP_PADDING) * series * height["step"] / (1 - _GROUP_PADDING)) + 1
