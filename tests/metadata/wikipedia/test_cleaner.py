from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from metaclip_curate.metadata.wikipedia.cleaner import Cleaner
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN

# The time that it takes grows with the square of its size: minutes of C code.
ENDLESS = "{{a|" * 40_000


@pytest.fixture(scope="module")
def cleaner() -> Iterator[Cleaner]:
    cleaner = Cleaner(ENGLISH_HIDDEN, seconds=0.5)
    yield cleaner
    cleaner.close()


def test_texts_come_back(cleaner: Cleaner) -> None:
    assert cleaner.clean("'''Übung''' [[macht]] den 大师") == ("Übung macht den 大师", "used")
    assert cleaner.clean("") == ("", "used")


@pytest.mark.slow
def test_a_page_that_takes_too_long_is_given_up_and_the_next_is_read(cleaner: Cleaner) -> None:
    assert cleaner.clean(ENDLESS) == ("", "timeout")
    assert cleaner.clean("next") == ("next", "used")


def test_a_child_that_dies_costs_one_page(cleaner: Cleaner) -> None:
    assert cleaner.clean("a") == ("a", "used")
    assert cleaner._child is not None
    cleaner._child.kill()
    assert cleaner.clean("b") == ("", "crashed")
    assert cleaner.clean("c") == ("c", "used")


def test_the_child_ends_with_its_parents_pipe(cleaner: Cleaner) -> None:
    cleaner.clean("a")
    child = cleaner._child
    assert child is not None and child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=20) == 0
    cleaner.close()


def test_waiting_doesnt_use_a_pages_time(cleaner: Cleaner) -> None:
    assert cleaner.clean("a") == ("a", "used")
    time.sleep(0.6)
    assert cleaner.clean("b") == ("b", "used")
