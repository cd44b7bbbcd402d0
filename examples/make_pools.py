"""Writes the pools that ship with the project, one of each form: `python -m examples.make_pools [FOLDER]`.

Their pairs have the captions of the pages in `pages/`. Ids are 32 hex digits, as DataComp's are.
"""

import argparse
import hashlib
from pathlib import Path
from typing import Any

from examples.make_mini_wat import mini_files
from examples.pool_writer import png, write_csv, write_json_lines, write_parquet, write_tar

POOL_FOLDER = Path(__file__).parent / "pools"
PAIRS_A_FILE = 60


def pool_rows() -> list[dict[str, Any]]:
    """Returns pairs, each caption once, in an order that a hash decides."""
    captions = {
        image.alt.strip() for pages in mini_files().values() for page in pages for image in page.images if image.alt
    }
    chosen = sorted(filter(None, captions), key=_digest)[: 5 * PAIRS_A_FILE]
    return [
        {
            "id": _digest(f"id of {caption}"),
            "url": f"https://pool.example/{number:06d}.png",
            "caption": caption,
            "aesthetic": int(_digest(caption)[:4], 16) / 2**16 * 10,
        }
        for number, caption in enumerate(chosen)
    ]


def write_pools(folder: Path) -> list[Path]:
    """Writes a file of each form; the pairs of the tar have no URL."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = pool_rows()
    parts = [rows[start : start + PAIRS_A_FILE] for start in range(0, len(rows), PAIRS_A_FILE)]
    files = [folder / f"pool-{number}" for number in range(len(parts))]
    endings = (".parquet", ".jsonl.gz", ".csv", ".tsv", ".tar")
    files = [file.with_suffix(ending) for file, ending in zip(files, endings, strict=True)]
    write_parquet(files[0], parts[0], row_group_size=25)
    write_json_lines(files[1], parts[1])
    write_csv(files[2], parts[2])
    write_csv(files[3], parts[3])
    of_tar = sorted(parts[4], key=lambda row: str(row["id"]))
    without_urls = [{name: value for name, value in row.items() if name != "url"} for row in of_tar]
    write_tar(files[4], without_urls, lambda number: png(4 * number, 255 - 4 * number, 128), text="caption", key="id")
    return files


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def main() -> None:
    """Writes the files and prints their sizes."""
    parser = argparse.ArgumentParser(description="Write the pools that ship with the project.", allow_abbrev=False)
    parser.add_argument("folder", nargs="?", type=Path, default=POOL_FOLDER, help="folder to write to")
    for path in write_pools(parser.parse_args().folder):
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
