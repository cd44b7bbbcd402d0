"""A part that fails or hangs costs its own results only."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import gpu_training
from benchmarks.gpu_parts.report import Report
from benchmarks.gpu_training import Part


def _fails(report: Report, shards: Path) -> None:
    report.add("fails", what="ours", pairs_per_second=10.0)
    raise RuntimeError("CUDA error | of a kernel")


def _hangs(report: Report, shards: Path) -> None:
    # As torchrun starts its ranks: in a session of their own.
    code = f"import pathlib, time; pathlib.Path({str(shards / 'alive')!r}).touch(); time.sleep(4); "
    code += f"pathlib.Path({str(shards / 'survived')!r}).touch()"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    time.sleep(60)


def _passes(report: Report, shards: Path) -> None:
    report.add("steps", model="m", what="ours", pairs_per_second=30.0, mfu=0.5)
    report.add("steps", model="m", what="open_clip's step", pairs_per_second=20.0)


@pytest.mark.slow
def test_parts_are_apart(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = Report(quick=False, minutes=1, output=tmp_path / "out", work=tmp_path)
    assert not gpu_training._run("fails", Part(_fails, 0, 30), report, tmp_path)
    assert not gpu_training._run("hangs", Part(_hangs, 0, 2), report, tmp_path)
    assert gpu_training._run("steps", Part(_passes, 0, 30), report, tmp_path)
    report.summarize()
    results = report.results()
    assert [one.get("failed") for one in results["fails"]] == [None, "RuntimeError: CUDA error | of a kernel"]
    assert results["hangs"] == [{"failed": "ended after 2 s"}]
    assert results["ratios"][0]["ratio"] == 1.5
    tables = report.tables()
    assert "### steps\n\n| model | what | pairs/s | MFU |\n| --- | --- | --- | --- |\n| m | ours | 30 | 50% |" in tables
    assert "|  |  | RuntimeError: CUDA error / of a kernel |" in tables
    time.sleep(3)
    assert (tmp_path / "alive").exists()
    assert not (tmp_path / "survived").exists()


def test_without_a_gpu(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert gpu_training.main(["--output", str(tmp_path)]) == 2
    assert "there is no GPU that PyTorch can use: give --quick" in capfd.readouterr().err
