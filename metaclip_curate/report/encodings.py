"""Pieces of Vega-Lite that several charts have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Spec = dict[str, Any]

# How axes write numbers: 500, 20k, 1.6B.
NUMBER = "datum.value >= 1e9 ? format(datum.value / 1e9, ',~g') + 'B' : format(datum.value, ',~s')"
NAMES = {"title": None, "ticks": False, "domain": False, "labelLimit": 150, "labelPadding": 6}
# Of a logarithmic axis only 1, 10, 100, ... have a label and a line.
_IS_POWER = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"


def axis(title: str, label: str, powers: bool = False) -> Spec:
    """An axis.

    Args:
        title: What it counts.
        label: A Vega expression that writes `datum.value`.
        powers: Whether it is logarithmic and shows powers of ten only.
    """
    axis: Spec = {"title": title, "labelExpr": label, "tickCount": 6}
    if powers:
        shown = {"condition": {"test": _IS_POWER, "value": 1}, "value": 0}
        axis |= {"labelExpr": f"{_IS_POWER} ? {label} : ''", "gridOpacity": shown, "tickOpacity": shown}
    return axis


def colour(colours: Sequence[str], symbol: str = "stroke") -> Spec:
    """Colours of the series, in the order in which the data has them, with a legend of strokes or squares."""
    return {
        "field": "series",
        "type": "nominal",
        "sort": None,
        "scale": {"range": list(colours)},
        "legend": {"symbolType": symbol, **({} if symbol == "stroke" else {"symbolSize": 90, "symbolStrokeWidth": 0})},
    }


def dashes() -> Spec:
    """Dashes of the series: two solid lines, then limits."""
    return {
        "field": "series",
        "type": "nominal",
        "sort": None,
        "scale": {"range": [[1, 0], [1, 0], [2, 2], [5, 3], [9, 3]]},
        "legend": {"symbolType": "stroke"},  # as of the colours, so that the two become one
    }


def thin_limits() -> Spec:
    """Limits are thinner than what there is, which they would cover."""
    return {"condition": {"test": "indexof(datum.series, 'limit') == 0", "value": 1.5}, "value": 2.5}


def points(*tips: Spec) -> Spec:
    """What a pointer or a finger finds."""
    return {
        "mark": {"type": "point", "filled": True, "size": 160, "opacity": 0},
        "encoding": {"tooltip": [*tips]},
    }


def tip(field: str, title: str, format_: str | None = None) -> Spec:
    """A line of a tooltip."""
    kind = "quantitative" if format_ else "nominal"
    return {"field": field, "type": kind, "title": title, **({"format": format_} if format_ else {})}


def line_at(channel: str) -> Spec:
    """A line across the chart at each mark's place on the channel x or y."""
    return {
        "data": {"name": "marks"},
        "mark": {"type": "rule"},
        "encoding": {channel: {"field": "at", "type": "quantitative"}, **_others(channel)},
    }


def label_at(channel: str) -> Spec:
    """The label of such a line."""
    place = {
        "x": {"align": "left", "dx": 4, "y": {"expr": "height - 10"}},
        "y": {"align": "right", "x": "width", "dx": -2, "dy": -6},
    }
    return {
        "data": {"name": "marks"},
        "mark": {"type": "text", **place[channel]},
        "encoding": {
            channel: {"field": "at", "type": "quantitative"},
            **_others(channel),
            "text": {"field": "label"},
        },
    }


def _others(channel: str) -> Spec:
    """What marks don't take over from the chart: they have one place and no series."""
    return dict.fromkeys([*({"x", "y"} - {channel}), "color", "strokeDash"])
