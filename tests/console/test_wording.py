"""Numbers of things in sentences."""

from metaclip_curate.console.wording import counted


def test_a_noun_follows_its_number() -> None:
    assert [counted(number, "input file") for number in (0, 1, 2, 1200)] == [
        "0 input files",
        "1 input file",
        "2 input files",
        "1,200 input files",
    ]
