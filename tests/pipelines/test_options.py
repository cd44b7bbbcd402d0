"""What Python may give a pipeline that a command line can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metaclip_curate import CurateOptions
from metaclip_curate.errors import UserError
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.pipelines.options import Options


@pytest.mark.parametrize("given", ["a.wat", ("a.wat", 5), None])
def test_a_list_isnt_a_string(given: Any) -> None:
    Options(extract=ExtractOptions(input=["a.wat"]))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="--input must be a list of strings, not "):
        Options(extract=ExtractOptions(input=given))


def test_other_options_and_a_report_of_no_run(tmp_path: Path) -> None:
    other: Any = CurateOptions()
    with pytest.raises(UserError, match="Pipeline takes Options, not CurateOptions"):
        Pipeline(other)
    with pytest.raises(UserError, match="has no finished stage sample"):
        Pipeline(Options(run=RunOptions(output=str(tmp_path / "none")))).report()
