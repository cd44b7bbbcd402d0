import gzip
import statistics
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic_wat import main, write_synthetic_wat
from examples.hashed_draws import hashed_fractions, log_normal
from examples.synthetic_pages import synthetic_page
from examples.wat_statistics import WatStatistics, read_statistics
from examples.word_river import LONGEST_TEXT, Words, read_words

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def words() -> Words:
    return read_words()


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> WatStatistics:
    path = tmp_path_factory.mktemp("synthetic") / "a.warc.wat.gz"
    write_synthetic_wat(path, 12_000_000, seed=3)
    return read_statistics([path])


@pytest.mark.slow
def test_the_size_is_what_was_asked_for(sums: WatStatistics) -> None:
    assert 12_000_000 <= sums.unpacked_bytes < 12_400_000


def test_the_statistics_are_those_of_real_pages(sums: WatStatistics) -> None:
    links = sum(sums.images_per_page)
    assert 19_000 < statistics.mean(sums.page_bytes) < 25_000
    assert 17 < statistics.mean(sums.images_per_page) < 23
    assert 0.29 < sums.without_text / links < 0.35
    assert 0.37 < sum(sums.written[way] for way in ("/", "//", "path")) / links < 0.43
    assert 0.45 < len(set(sums.texts)) / len(sums.texts) < 0.62
    assert 19 <= statistics.median(map(len, sums.texts)) <= 25
    assert 600 < max(map(len, sums.texts)) <= LONGEST_TEXT + 100
    assert 0.05 < sums.letters["other"] / sums.letters.total() < 0.25
    assert 3.5 < sums.unpacked_bytes / sums.packed_bytes < 5.5


@pytest.mark.slow
def test_a_longer_file_begins_with_a_shorter_one_and_another_seed_differs(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("short.wat", "long.wat", "other.wat")]
    for path, size, seed in zip(paths, (150_000, 300_000, 300_000), (1, 1, 2), strict=True):
        write_synthetic_wat(path, size, seed=seed)
    short, long, other = (path.read_bytes() for path in paths)
    assert long.startswith(short)
    assert len(long) > len(short)
    assert other != long


def test_a_page_does_not_depend_on_those_before_it(words: Words) -> None:
    forwards = [synthetic_page(words, 5, number) for number in range(4)]
    assert forwards == [synthetic_page(words, 5, number) for number in reversed(range(4))][::-1]
    assert len({page.url for page in forwards}) == 4


def test_texts_are_cut_at_words(words: Words) -> None:
    river = words.rivers[words.codes.index("en")]
    vocabulary = set(river.text.split(" "))
    lengths = np.linspace(1, 2000, 300)
    for text, length in zip(river.cut(hashed_fractions(300, 1), lengths), lengths, strict=True):
        assert int(length) <= len(text) < length + 40
        assert set(text.split(" ")) <= vocabulary


def test_draws_are_a_uniform_hash_of_their_key() -> None:
    drawn = hashed_fractions(20_000, 1, 2)
    assert np.array_equal(drawn, hashed_fractions(20_000, 1, 2))
    assert np.array_equal(drawn[:5], hashed_fractions(5, 1, 2))
    for other in ((1, 3), (2, 2), (2, 1), (1, 2, 0)):
        assert abs(np.corrcoef(drawn, hashed_fractions(20_000, *other))[0, 1]) < 0.03
    assert np.abs(np.sort(drawn) - np.arange(20_000) / 20_000).max() < 0.02


def test_log_normal_has_the_median_and_spread_that_were_asked_for() -> None:
    drawn = log_normal(22, 0.9, *hashed_fractions(40_000, 9).reshape(2, 20_000))
    assert 21 < np.median(drawn) < 23
    assert 0.88 < np.log(drawn).std() < 0.92


def test_the_command_writes_and_refuses_a_size_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.warc.wat.gz"
    monkeypatch.setattr(sys, "argv", ["synthetic_wat", str(path), "--unpacked-mb", "0.1"])
    main()
    assert len(gzip.decompress(path.read_bytes())) >= 100_000
    monkeypatch.setattr(sys, "argv", ["synthetic_wat", str(path), "--unpacked-mb", "0"])
    with pytest.raises(SystemExit):
        main()
