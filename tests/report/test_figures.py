"""Every chart as a picture."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.pipelines.report import charts_to_draw
from metaclip_curate.report.chart import rows
from metaclip_curate.report.charts import all_charts
from metaclip_curate.report.figures import EXTENSIONS, csv_of, figures, script
from tests.support.made_facts import made_facts

vl_convert = pytest.importorskip("vl_convert", reason="the extra report isn't installed")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.slow
def test_every_chart_is_drawn() -> None:
    charts = charts_to_draw(made_facts(), ("l001",))
    names = {chart.name for chart in all_charts("t")}
    assert set(charts) == names | {f"{chart.name}-l001" for chart in all_charts("t") if chart.of_language}
    drawn = figures(vl_convert, charts)
    assert {f"{name}.{each}" for name in charts for each in EXTENSIONS} == set(drawn)
    for name in charts:
        assert drawn[f"{name}.png"].startswith(PNG) and len(drawn[f"{name}.png"]) > 5_000
        assert drawn[f"{name}.svg"].startswith(b"<svg")
        table = list(csv.reader(drawn[f"{name}.csv"].decode().splitlines()))
        assert [len(row) for row in table] == [1 + len(charts[name][1]["y"])] * (1 + len(charts[name][1]["x"]))
    again = {name: charts[name] for name in ("ranked-counts", "top-hosts")}
    assert figures(vl_convert, again).items() <= drawn.items()


def test_the_data_of_a_chart_as_a_table() -> None:
    chart, _ = charts_to_draw(made_facts(), ())["ranked-counts"]
    data = {"x": [1, 2], "y": [["before", [5, 4.5]], ["kept, all", [2, None]]]}
    assert csv_of(chart, data) == 'rank,before,"kept, all"\n1,5,2\n2,4.5,\n'


@pytest.mark.slow
def test_no_field_is_missing_in_the_data(capfd: pytest.CaptureFixture[str]) -> None:
    """Vega-Lite draws nothing where a field isn't there, and warns."""
    for name, (chart, data) in charts_to_draw(made_facts(), ()).items():
        sets = rows(data)
        assert sets["rows"], name
        svg = vl_convert.vegalite_to_svg({**chart.spec, "width": 400, "datasets": sets})
        assert svg.count("<path") > 3, name
        used = set(json.dumps(chart.spec).split('"field": "')[1:])
        assert all(field.split('"')[0] in {"x", "y", "series", "at", "label", "share"} for field in used), name
    assert "WARN" not in capfd.readouterr().err


@pytest.mark.slow
def test_a_share_stands_in_its_own_bar() -> None:
    chart, _ = charts_to_draw(made_facts(), ())["head-and-tail"]
    data = {"x": ["before"], "y": [["head", [75]], ["tail", [25]]]}
    svg = vl_convert.vegalite_to_svg({**chart.spec, "width": 400, "datasets": rows(data)})
    at = {text: float(x) for x, text in re.findall(r'translate\(([\d.]+),[\d.]+\)"[^>]*>([\d.]+%)</text>', svg)}
    assert at["75.0%"] < at["25.0%"]


def test_a_language_without_pairs() -> None:
    with pytest.raises(UserError, match="--figure-languages names xx"):
        charts_to_draw(made_facts(), ("xx",))


def test_the_script_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: list[str] = []

    def javascript_bundle(vl_version: str) -> str:
        made.append(vl_version)
        return f"/* ü {len(made)} */"

    library: Any = SimpleNamespace(__version__="1.2.3", javascript_bundle=javascript_bundle)
    assert script(library) == script(library) == "/* ü 1 */"
    library.__version__ = "1.2.4"
    assert script(library) == "/* ü 2 */"
    (kept,) = tmp_path.rglob("*1.2.4.js")
    kept.chmod(0o666)  # others could have written it
    assert script(library) == "/* ü 3 */"
    assert script(library) == "/* ü 3 */"


def test_without_a_cache_the_script_is_made_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    library: Any = SimpleNamespace(__version__="1.2.3", javascript_bundle=lambda vl_version: "/* made */")
    assert script(library) == "/* made */"
