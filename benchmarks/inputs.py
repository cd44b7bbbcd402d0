"""Input of the benchmarks: real WATs if there are any, and synthetic ones, which are kept in build/bench."""

from __future__ import annotations

from pathlib import Path

from benchmarks.synthetic_wat import write_synthetic_wat

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "bench"
_REAL = ROOT.parent / "shared" / "data" / "wat"
_SHIPPED = ROOT / "examples" / "wat"


def page_wats() -> list[Path]:
    """Returns well-formed compressed WATs of pages: real ones if present, else the shipped ones."""
    real = [path for path in sorted(_REAL.glob("*.warc.wat.gz")) if not path.name.startswith("malformed")]
    return real or sorted(_SHIPPED.glob("*.warc.wat.gz"))


def made_wat(stored_mb: float, seed: int = 0, packed: bool = True) -> Path:
    """Returns the path of a WAT with the statistics of real ones, which is written if it doesn't exist.

    Args:
        stored_mb: Approximate size on disk, in millions of bytes.
        seed: Seed of its pages.
        packed: Whether it is gzipped, one member a record.
    """
    path = CACHE / f"made-{stored_mb:g}mb-{seed}.warc.wat{'.gz' if packed else ''}"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        # An interrupted benchmark must not leave a short file under the name.
        unfinished = path.with_name(f"unfinished-{path.name}")
        write_synthetic_wat(unfinished, int(stored_mb * 1e6 * (4.25 if packed else 1)), seed)
        unfinished.replace(path)
    return path
