"""Each page that is odd on purpose gives the pairs that were worked out by hand."""

from pathlib import Path

import pytest

from examples.edge_cases import EdgeCase, edge_cases
from examples.wat_writer import write_wat
from metaclip_curate.extract.read_pairs import read_pairs

CASES = edge_cases()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_pairs_are_the_expected_ones(case: EdgeCase, tmp_path: Path) -> None:
    path = tmp_path / "case.warc.wat.gz"
    write_wat(path, [case.page])
    rows = [row for batch in read_pairs(str(path)) for row in batch.to_pylist()]
    assert [(row["url"], row["text"]) for row in rows] == list(case.pairs)
    assert {row["page_url"] for row in rows} <= {case.page.url}


def test_names_and_addresses_are_unique() -> None:
    assert len({case.name for case in CASES}) == len({case.page.url for case in CASES}) == len(CASES)


def test_what_has_to_be_there_is_there() -> None:
    names = {case.name for case in CASES}
    assert names >= {"relative-urls", "base", "relative-base", "data-urls", "repeated-image"}
    assert names >= {"one-image-many-texts", "equal-alt-and-title", "no-text", "white-space"}
    assert names >= {"characters", "lone-surrogate", "no-address", "fragments", "other-schemes"}
    assert names >= {"international-addresses", "robots-noai", "robots-noimageai", "header-noai"}
    assert names >= {"tdm-header", "tdm-meta", "other-robots", "no-images", "long-text"}
