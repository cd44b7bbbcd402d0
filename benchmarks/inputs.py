"""What the benchmarks read: real WATs where there are any, and made ones, which are kept in build/bench."""

from __future__ import annotations

from pathlib import Path

from benchmarks.synthetic_wat import write_synthetic_wat

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "bench"
_REAL = ROOT.parent / "shared" / "data" / "wat"
_SHIPPED = ROOT / "examples" / "wat"


def page_wats() -> list[Path]:
    """Well-formed packed WATs of pages: real ones where present, else those that ship."""
    real = [path for path in sorted(_REAL.glob("*.warc.wat.gz")) if not path.name.startswith("malformed")]
    return real or sorted(_SHIPPED.glob("*.warc.wat.gz"))


def made_wat(stored_mb: float, seed: int = 0, packed: bool = True) -> Path:
    """A WAT with the statistics of real ones, made when it isn't there yet.

    Args:
        stored_mb: Its size on disk in millions of bytes, about.
        seed: Which one.
        packed: Whether it is gzipped, a member a record.

    Returns:
        Its path.
    """
    path = CACHE / f"made-{stored_mb:g}mb-{seed}.warc.wat{'.gz' if packed else ''}"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        # An interrupted benchmark leaves no short file under the name.
        unfinished = path.with_name(f"unfinished-{path.name}")
        write_synthetic_wat(unfinished, int(stored_mb * 1e6 * (4.25 if packed else 1)), seed)
        unfinished.replace(path)
    return path
