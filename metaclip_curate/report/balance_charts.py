"""The papers' charts of a run: cumulative counts, head and tail, kept pairs as a function of t."""

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
    """Returns the charts that every language has.

    Args:
        position_name: Title of the x axis of the kept pairs, as in `charts.all_charts`.
    """
    return (_kept_by_t(position_name), _cumulative(), _ranked(), _head_and_tail())


def _cumulative() -> Chart:
    return Chart(
        "cumulative-counts",
        "Cumulative counts over entries",
        "Entries that at least one text contains, from the rarest at the left to the most frequent; the height is the "
        "number of matches of all entries up to that one. Dashed: the matches that would remain if each entry kept at "
        "most t of its texts. More than that are kept, since a text has several entries, each of which can keep it.",
        {
            "height": _HEIGHT,
            "data": {"name": "rows"},
            "layer": [
                {"mark": {"type": "line"}, "encoding": {"strokeWidth": thin_limits()}},
                points(tip("x", "rank", ",d"), tip("y", "cumulative matches", ",.0f"), tip("series", "of")),
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
        x="rank",
        of_language=True,
    )


def _ranked() -> Chart:
    log = {"type": "log", "nice": False}
    return Chart(
        "ranked-counts",
        "Head entries against the rest",
        "Entries by rank, the most frequent first, on logarithmic axes; each point is the mean over the ranks around "
        "it. Entries above the line t are the head, and are thinned towards it. Those below are the tail, and keep all "
        "of their texts. With all languages, the line is the t of the largest one, and the limit uses the t of each.",
        {
            "height": _HEIGHT,
            "data": {"name": "rows"},
            "layer": [
                {"mark": {"type": "line"}, "encoding": {"strokeWidth": thin_limits()}},
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
                "color": colour([BEFORE, AFTER, SECOND]),
                "strokeDash": dashes(),
            },
        },
        x="rank",
        of_language=True,
    )


def _head_and_tail() -> Chart:
    share = "format(datum.y / datum.total, '.1%')"
    matches: Spec = {"field": "y", "type": "quantitative", "axis": axis("matches", NUMBER)}
    return Chart(
        "head-and-tail",
        "Head and tail",
        "Matches of head entries (count of t or more) and of tail entries before the draw, if each entry kept at most "
        "t of its texts, and after the draw.",
        {
            "height": {"step": 38},
            "data": {"name": "rows"},
            "transform": [
                {"joinaggregate": [{"op": "sum", "field": "y", "as": "total"}], "groupby": ["x"]},
                {"calculate": f"datum.total > 0 ? {share} : ''", "as": "share"},
            ],
            "layer": [
                {
                    "mark": {"type": "bar", "height": 26},
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
                        "detail": {"field": "series"},
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
                # Labels, which have no colour of a series, would be stacked in another order than bars.
                "order": {"field": "series", "type": "nominal"},
                "color": colour([SECOND, THIRD], symbol="square"),
            },
        },
        x="time",
        of_language=True,
    )


def _kept_by_t(position_name: str) -> Chart:
    title = "tail share, or t of a language" if position_name == "tail share" else "t"
    return Chart(
        "kept-by-t",
        "Kept pairs as a function of t",
        f"The exact expectation, from one pass over the matched pairs. With all languages, the x axis is "
        f"{position_name}; with one language, it is the t of that language. Lines mark the selected t and this run's.",
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
        x=title,
        of_language=True,
    )
