"""The progress of Spark's tasks, by hand and of a real job."""

from __future__ import annotations

import time
from typing import Any

from metaclip_curate.spark.progress import TaskProgress, task_progress
from tests.support.clock import Clock


def test_the_line_of_a_stage() -> None:
    clock = Clock()
    progress = TaskProgress("match", clock)
    assert progress.line({}) == ""
    assert progress.line({1: (0, 40)}) == "match: [>...................] 0 of 40 tasks"
    clock.now += 10
    assert progress.line({1: (20, 40)}) == (
        "match: [==========>.........] 20 of 40 tasks, 2.0 tasks/s, about 10 s left"
    )


def test_tasks_that_were_done_before_a_stage_was_seen_are_no_rate() -> None:
    clock = Clock()
    progress = TaskProgress("match", clock)
    assert progress.line({1: (500, 1_000)}) == "match: [==========>.........] 500 of 1,000 tasks"
    clock.now += 10
    assert progress.line({1: (520, 1_000)}) == (
        "match: [==========>.........] 520 of 1,000 tasks, 2.0 tasks/s, about 4 min left"
    )
    # A second stage beside the first starts the measurement again.
    assert progress.line({1: (521, 1_000), 2: (1, 2)}) == "match: [==========>.........] 522 of 1,002 tasks"
    clock.now += 0.001
    assert progress.line({2: (2, 2)}) == "match: [====================] 2 of 2 tasks"


def test_a_real_job_is_followed(spark: Any) -> None:
    lines: list[str] = []

    def slow(batches: Any) -> Any:
        for batch in batches:
            time.sleep(0.4)
            yield batch

    with task_progress(spark, "wait", lines.append):
        assert spark.range(0, 8, 1, 8).mapInArrow(slow, "id bigint").count() == 8
    assert lines[-1] == ""
    told = [line for line in lines if line]
    assert all(line.startswith("wait: [") for line in told)
    assert any(" of 8 tasks" in line for line in told)


def test_a_session_that_cannot_be_asked_is_left_alone() -> None:
    class Connected:
        @property
        def sparkContext(self) -> Any:
            raise NotImplementedError("not on Spark Connect")

    lines: list[str] = []
    with task_progress(Connected(), "match", lines.append):  # type: ignore[arg-type]
        pass
    assert lines == []
