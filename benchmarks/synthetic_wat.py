"""Writes a WAT of any size with the statistics of real ones, for measuring speed and memory.

    python -m benchmarks.synthetic_wat OUT.warc.wat.gz --unpacked-mb 450 [--seed 0]

The second column was counted by `python -m examples.wat_statistics` on samples of 458 real pages
(Common Crawl 2014-2022, a wide crawl, news sites), the third has the known figures of 1,904 other
real pages, the last was counted on 450 MB of this module's output. Where the samples differ, the
larger one was the target.

| figure | 458 pages | 1,904 pages | synthetic |
| --- | --- | --- | --- |
| unpacked / packed | 5.4 | 4.5 | 4.2 |
| KB of JSON a page, mean (median) | 34.2 (27.8) | 22 | 21.5 (19.3) |
| image links a page, mean (median) | 24.4 (14) | 20.3 | 19.4 (14) |
| other links a page | 184 | | 108 |
| image links without text | 30 % | 32 % | 32 % |
| relative addresses | 36 % | 40 % | 41 % |
| of them /, path, // | 26.7, 5.4, 3.4 % | | 29.0, 7.9, 3.6 % |
| data:, empty | 4.8, 0.6 % | | 4.9, 0.6 % |
| texts an image link | 0.81 | 0.68 | 0.80 |
| different texts | 57 % | 57 % | 51 % |
| different (address, text) | 67 % | | 65 % |
| characters a text, 25 and 50 % | 11, 24 | 22 | 10, 22 |
| characters a text, 75, 95, 99 % | 54, 116, 214 | | 43, 121, 254 |
| characters a text, most | 577 | | 2257 |
| letters that aren't Latin | 13 % | | 13 % |

A page is a hash of (seed, its number): the same call writes the same records, and a longer file begins
with the records of a shorter one. Only one page and the words are held in memory.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from examples.synthetic_pages import synthetic_pages
from examples.warc_framing import write_records
from examples.wat_writer import wat_records


def write_synthetic_wat(path: Path | str, unpacked_bytes: int, seed: int = 0, compression_level: int = 6) -> None:
    """Writes records until their sum reaches a size.

    Args:
        path: File to write, compressed if its name ends in .gz.
        unpacked_bytes: Least size of the uncompressed file, which ends with a whole record.
        seed: Seed of the pages.
        compression_level: zlib's level. Common Crawl's files are about as small as with 6.
    """
    records = wat_records(synthetic_pages(seed))
    write_records(path, _up_to(records, unpacked_bytes), compression_level)


def _up_to(records: Iterable[bytes], size: int) -> Iterator[bytes]:
    total = 0
    for record in records:
        yield record
        total += len(record)
        if total >= size:
            return


def main() -> None:
    """Writes the file that the command line names."""
    parser = argparse.ArgumentParser(description="Write a synthetic WAT.", allow_abbrev=False)
    parser.add_argument("path", type=Path, help="file to write; .gz compresses it")
    parser.add_argument("--unpacked-mb", type=float, default=450, help="million bytes (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another file of that size")
    options = parser.parse_args()
    if options.unpacked_mb <= 0:
        parser.error("--unpacked-mb must be above 0")
    write_synthetic_wat(options.path, int(options.unpacked_mb * 1e6), options.seed)
    print(f"{options.path}: {options.path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
