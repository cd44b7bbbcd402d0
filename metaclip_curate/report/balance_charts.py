"""The papers' figures of a run: cumulative counts, head and tail, kept pairs as a function of t."""

from __future__ import annotations

from metaclip_curate.report.chart import Chart
from metaclip_curate.report.encodings import (
    NUMBER,
    Spec,
    axis,
    colour,
    dashes,
    label_at,
    line_at,
    points,
    thin_limits,
    tip,
)
from metaclip_curate.report.theme import AFTER, BEFORE, FIRST, SECOND, THIRD

_HEIGHT = 260


def balance_charts(position_name: str) -> tuple[Chart, ...]:
    """The charts that there are of every language.

    Args:
        position_name: As in `charts.all_charts`.
    """
    return (_kept_by_t(position_name), _cumulative(), _ranked(), _head_and_tail())


def _cumulative() -> Chart:
    return Chart(
        "cumulative-counts",
        "Cumulative counts over entries",
        "Entries with a text, from the rarest at the left to the most frequent; the height is the matches of all up to "
        "there. Dashed: what would be left if each entry kept at most t of its texts. What is kept lies above that "
        "limit, since a text has several entries and each of them can keep it.",
        {
            "height": _HEIGHT,
            "data": {"name": "rows"},
            "layer": [
                {"mark": {"type": "line"}, "encoding": {"strokeWidth": thin_limits()}},
                points(tip("x", "rank", ",d"), tip("y", "matches up to there", ",.0f"), tip("series", "of")),
            ],
            "encoding": {
                "x": {
                    "field": "x",
                    "type": "quantitative",
                    "scale": {"type": "log", "nice": False, "reverse": True},
                    "axis": axis("rank of the entry, the rarest at the left", NUMBER, powers=True),
                },
                "y": {"field": "y", "type": "quantitative", "axis": axis("matches", NUMBER)},
                "color": colour([BEFORE, AFTER, FIRST, SECOND, THIRD]),
                "strokeDash": dashes(),
            },
        },
        of_language=True,
    )


def _ranked() -> Chart:
    log = {"type": "log", "nice": False}
    return Chart(
        "ranked-counts",
        "The head's entries against the rest",
        "Entries by rank, the most frequent first; both axes are logarithmic. Entries above the line t are the head: "
        "they are thinned towards it. Those below are the tail and stay as they are.",
        {
            "height": _HEIGHT,
            "data": {"name": "rows"},
            "layer": [
                {"mark": {"type": "line"}},
                points(tip("x", "rank", ",d"), tip("y", "texts of an entry", ",.1f"), tip("series", "of")),
                line_at("y"),
                label_at("y"),
            ],
            "encoding": {
                "x": {
                    "field": "x",
                    "type": "quantitative",
                    "scale": log,
                    "axis": axis("rank of the entry", NUMBER, powers=True),
                },
                "y": {
                    "field": "y",
                    "type": "quantitative",
                    "scale": log,
                    "axis": axis("texts of an entry", NUMBER, powers=True),
                },
                "color": colour([BEFORE, AFTER]),
            },
        },
        of_language=True,
    )


def _head_and_tail() -> Chart:
    share = "format(datum.y / datum.total, '.1%')"
    matches: Spec = {"field": "y", "type": "quantitative", "axis": axis("matches", NUMBER)}
    return Chart(
        "head-and-tail",
        "Head and tail",
        "Matches of head entries (count of at least t) and of tail entries, before the draw and after it.",
        {
            "height": 96,
            "data": {"name": "rows"},
            "transform": [
                {"joinaggregate": [{"op": "sum", "field": "y", "as": "total"}], "groupby": ["x"]},
                {"calculate": f"datum.total > 0 ? {share} : ''", "as": "share"},
            ],
            "layer": [
                {
                    "mark": {"type": "bar", "height": 28},
                    "encoding": {
                        "x": {**matches, "stack": "zero"},
                        "tooltip": [tip("series", "entries"), tip("y", "matches", ",d"), tip("share", "share")],
                    },
                },
                {
                    "mark": {
                        "type": "text",
                        "fontWeight": 600,
                        "opacity": {"expr": "datum.y > 0.1 * datum.total ? 1 : 0"},
                    },
                    "encoding": {
                        "x": {**matches, "stack": "zero", "bandPosition": 0.5},
                        "text": {"field": "share"},
                        "color": {"value": "#ffffff"},
                    },
                },
            ],
            "encoding": {
                "y": {
                    "field": "x",
                    "type": "nominal",
                    "sort": None,
                    "axis": {"title": None, "ticks": False, "domain": False},
                },
                "color": colour([SECOND, THIRD], symbol="square"),
            },
        },
        of_language=True,
    )


def _kept_by_t(position_name: str) -> Chart:
    title = "tail share, or t of a language" if position_name == "tail share" else "t"
    return Chart(
        "kept-by-t",
        "Kept pairs as a function of t",
        f"The exact expectation, from one pass over the matched pairs. Of all languages together the axis is "
        f"{position_name}, of one language its own t; the line marks what this run chose.",
        {
            "height": _HEIGHT,
            "data": {"name": "rows"},
            "layer": [
                {"mark": {"type": "line", "color": AFTER, "point": {"size": 22, "color": AFTER}}},
                points(tip("x", title, ",~r"), tip("y", "expected pairs", ",.1f")),
                line_at("x"),
                label_at("x"),
            ],
            "encoding": {
                "x": {
                    "field": "x",
                    "type": "quantitative",
                    "scale": {"type": "log", "nice": False},
                    "axis": axis(title, "format(datum.value, datum.value < 1 ? '~r' : ',~s')", powers=True),
                },
                "y": {"field": "y", "type": "quantitative", "axis": axis("expected pairs", NUMBER)},
            },
        },
        of_language=True,
    )
