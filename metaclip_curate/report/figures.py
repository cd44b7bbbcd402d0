"""Drawing charts by vl-convert: as files without a browser, and the scripts that draw them in one."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any

from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.report.chart import Chart, Data, rows
from metaclip_curate.report.theme import theme
from metaclip_curate.storage.atomic_file import atomic_write
from metaclip_curate.storage.own_folder import cache_folder, is_own, own_folder

NO_CHARTS = f"charts and figures/ need vl-convert-python: {install_extra('report')}"
_VEGA_LITE = "6.4"
_WIDTH = 560
_SCALE = 3.0
EXTENSIONS = ("svg", "png", "csv")


def converter() -> ModuleType | None:
    """Returns the library vl_convert, or None if it isn't installed."""
    try:
        import vl_convert
    except ImportError:
        return None
    module: ModuleType = vl_convert
    return module


def script(library: ModuleType) -> str:
    """Returns Vega, Vega-Lite and Vega-Embed as one script without dependencies.

    The library takes seconds to make it. So it is kept in the user's cache, unless others can write there.
    """
    path = cache_folder() / "metaclip-curate" / f"vega-lite-{_VEGA_LITE}-{library.__version__}.js"
    if is_own(path) and is_own(path.parent):
        with suppress(OSError, UnicodeDecodeError):
            return path.read_text(encoding="utf-8")
    bundle: str = library.javascript_bundle(vl_version=_VEGA_LITE)
    with suppress(OSError, UserError):
        own_folder(path.parent, "the charts' script", "go without it")
        with atomic_write(path) as file:
            file.write(bundle.encode())
    return bundle


def figures(library: ModuleType, charts: Mapping[str, tuple[Chart, Data]]) -> dict[str, bytes]:
    """Draws charts for print: 560 points wide, the PNG files at 216 dots an inch on white.

    Args:
        library: The library from `converter`.
        charts: Charts and their data by file name, without the extension.

    Returns:
        SVG, PNG and CSV files by name, in the order of EXTENSIONS for each chart.
    """
    found: dict[str, bytes] = {}
    for name, (chart, data) in charts.items():
        drawn: str = library.vegalite_to_svg(_printed(chart, data), vl_version=_VEGA_LITE)
        found[f"{name}.svg"] = drawn.encode()
        found[f"{name}.png"] = library.svg_to_png(drawn, scale=_SCALE)
        found[f"{name}.csv"] = csv_of(chart, data).encode()
    return found


def csv_of(chart: Chart, data: Data) -> str:
    """Returns a chart's data as a table with a column for x and one for each series; empty where nothing is drawn."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([chart.x, *(name for name, _ in data["y"])])
    writer.writerows(zip(data["x"], *(values for _, values in data["y"]), strict=True))
    return lines.getvalue()


def _printed(chart: Chart, data: Data) -> dict[str, Any]:
    """Returns the specification of a figure, without the invisible points that carry the page's tooltips."""
    spec = dict(chart.spec)
    if "layer" in spec:
        spec["layer"] = [layer for layer in spec["layer"] if layer["mark"].get("opacity") != 0]
    return {
        **spec,
        "width": _WIDTH,
        "datasets": rows(data),
        "config": theme(dark=False) | {"background": "white", "padding": 8, "font": "Liberation Sans, sans-serif"},
    }
