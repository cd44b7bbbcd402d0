"""The input that ships: up to date, small, and as varied as the pipeline needs."""

import gzip
import sys
from collections import Counter
from pathlib import Path

import pytest

from examples.make_mini_wat import CRAWLED_TWICE, FILE_NAMES, WAT_FOLDER, main, mini_files
from examples.mini_pages import language_pages, read_languages
from examples.page import Image
from examples.wat_statistics import read_statistics
from metaclip_curate.language import LanguageIdentifier

LANGUAGES = read_languages()
NO_METADATA = "eu"  # Basque: no word list of the starter metadata


def images(code: str) -> list[Image]:
    return [image for page in language_pages(code, LANGUAGES[code]) for image in page.images]


def texts(code: str) -> list[str]:
    return [text for image in images(code) for text in {image.alt, image.title} if text is not None and text.strip()]


def test_the_shipped_files_are_what_the_script_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["make_mini_wat", str(tmp_path / "new")])
    main()
    assert capsys.readouterr().out.count("image links") == len(FILE_NAMES)
    for name in FILE_NAMES:
        shipped, written = WAT_FOLDER / name, tmp_path / "new" / name
        shipped_records, records = (gzip.decompress(path.read_bytes()) for path in (shipped, written))
        assert shipped_records == records, "run python -m examples.make_mini_wat"


def test_the_shipped_files_are_small_enough_to_commit() -> None:
    assert sum((WAT_FOLDER / name).stat().st_size for name in FILE_NAMES) < 400_000


def test_languages_have_a_web_like_skew() -> None:
    assert {"en", "zh", "ja", "ko", "th", "ar", "hi", NO_METADATA} <= set(LANGUAGES)
    assert len(LANGUAGES) >= 24
    counts = {code: len(images(code)) for code in LANGUAGES}
    assert counts == {code: language.image_links for code, language in LANGUAGES.items()}
    assert min(counts.values()) >= 60
    largest, second = sorted(counts.values())[:-3:-1]
    assert counts["en"] == largest > 4 * second


def test_links_are_written_like_those_of_real_pages() -> None:
    sums = read_statistics(WAT_FOLDER / name for name in FILE_NAMES)
    links = sum(sums.images_per_page)
    assert 5000 < links < 6000
    assert 0.35 < sum(sums.written[way] for way in ("/", "//", "path")) / links < 0.45
    assert sums.written["data:"] / links > 0.02
    assert 0.15 < sums.without_text / links < 0.35
    assert 0.4 < len(set(sums.texts)) / len(sums.texts) < 0.6


def test_words_are_frequent_and_rare_at_a_small_threshold() -> None:
    with_heads = 0
    for code in LANGUAGES:
        counts = Counter(word for text in texts(code) for word in set(text.split()))
        with_heads += max(counts.values()) >= 20
        assert sum(count < 5 for count in counts.values()) > 20, code
    assert with_heads > 10


def test_captions_are_identified_as_their_language() -> None:
    assert len(LANGUAGES) == 25
    identifier = LanguageIdentifier()
    for code, language in LANGUAGES.items():
        captions = [text for text in texts(code) if len(text) > 12 and text not in language.noise]
        assert len(captions) > 20, code
        labels, _ = identifier.identify(captions)
        assert labels.to_pylist().count(code) / len(captions) > 0.6, code


def test_both_files_hold_some_of_the_same_pairs_and_one_page() -> None:
    first, second = mini_files().values()
    pairs = [
        {(image.src, image.alt) for page in file for image in page.images if image.alt} for file in (first, second)
    ]
    assert len(pairs[0] & pairs[1]) > 50
    shared = {page.url for page in first} & {page.url for page in second}
    assert [url.rpartition("/")[2] for url in shared] == [CRAWLED_TWICE]


def test_every_site_has_a_reserved_name() -> None:
    # RFC 2606: nobody can own these names.
    hosts = [site.host for language in LANGUAGES.values() for site in language.sites]
    assert len(hosts) > 50
    assert [host for host in hosts if not host.endswith((".example", ".example.org", ".example.net"))] == []
