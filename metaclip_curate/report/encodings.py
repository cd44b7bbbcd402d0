"""Parts of Vega-Lite specifications that several charts share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Spec = dict[str, Any]

# An expression for labels of axes: 500, 20k, 1.6B.
NUMBER = "datum.value >= 1e9 ? format(datum.value / 1e9, ',~g') + 'B' : format(datum.value, ',~s')"
NAMES = {"title": None, "ticks": False, "domain": False, "labelLimit": 150, "labelPadding": 6}
# On a logarithmic axis only 1, 10, 100, ... have a label and a line.
_IS_POWER = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"


def axis(title: str, label: str, powers: bool = False) -> Spec:
    """Returns an axis.

    Args:
        title: Title.
        label: Vega expression for the label of `datum.value`.
        powers: Whether the axis is logarithmic and labels only powers of ten.
    """
    axis: Spec = {"title": title, "labelExpr": label, "tickCount": 6}
    if powers:
        shown = {"condition": {"test": _IS_POWER, "value": 1}, "value": 0}
        axis |= {"labelExpr": f"{_IS_POWER} ? {label} : ''", "gridOpacity": shown, "tickOpacity": shown}
    return axis


def colour(colours: Sequence[str], symbol: str = "stroke") -> Spec:
    """Returns colours for the series, in their order in the data, with a legend of strokes or squares."""
    return {
        "field": "series",
        "type": "nominal",
        "sort": None,
        "scale": {"range": list(colours)},
        "legend": {"symbolType": symbol, **({} if symbol == "stroke" else {"symbolSize": 90, "symbolStrokeWidth": 0})},
    }


def dashes() -> Spec:
    """Returns dashes for the series: two solid lines, then dashed limits."""
    return {
        "field": "series",
        "type": "nominal",
        "sort": None,
        "scale": {"range": [[1, 0], [1, 0], [2, 2], [5, 3], [9, 3]]},
        "legend": {"symbolType": "stroke"},  # the same as for the colours, so that Vega-Lite merges the two legends
    }


def thin_limits() -> Spec:
    """Returns stroke widths that make limits thinner than the curves, which they would cover otherwise."""
    return {"condition": {"test": "indexof(datum.series, 'limit') == 0", "value": 1.5}, "value": 2.5}


def points(*tips: Spec) -> Spec:
    """Returns invisible points with tooltips, large enough for a finger."""
    return {
        "mark": {"type": "point", "filled": True, "size": 160, "opacity": 0},
        "encoding": {"tooltip": [*tips]},
    }


def tip(field: str, title: str, format_: str | None = None) -> Spec:
    """Returns a line of a tooltip."""
    kind = "quantitative" if format_ else "nominal"
    return {"field": field, "type": kind, "title": title, **({"format": format_} if format_ else {})}


def line_at(channel: str) -> Spec:
    """Returns a line across the chart at each mark's value on the channel x or y."""
    return {
        "data": {"name": "marks"},
        "mark": {"type": "rule"},
        "encoding": {channel: {"field": "at", "type": "quantitative"}, **_others(channel)},
    }


def label_at(channel: str) -> Spec:
    """Returns the label of each line of `line_at`."""
    position = {
        "x": {"align": "left", "dx": 4, "y": {"expr": "height - 10"}},
        "y": {"align": "right", "x": "width", "dx": -2, "dy": -6},
    }
    return {
        "data": {"name": "marks"},
        "mark": {"type": "text", **position[channel]},
        "encoding": {
            channel: {"field": "at", "type": "quantitative"},
            **_others(channel),
            "text": {"field": "label"},
        },
    }


def _others(channel: str) -> Spec:
    """Returns null for the encodings that marks must not inherit: they have one value and no series."""
    return dict.fromkeys([*({"x", "y"} - {channel}), "color", "strokeDash"])
