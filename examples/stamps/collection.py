"""The stamps of Tux Paint (GPL-2) from Debian's package: images with captions in many languages."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from metaclip_curate.errors import UserError

PACKAGE = "tuxpaint-stamps-default"
_INSTALLED = Path("/usr/share/tuxpaint/stamps")
# Letters, digits, coins and flags, whose images differ little and whose captions don't describe them.
_LEFT_OUT = ("symbols",)


@dataclass(frozen=True)
class Stamp:
    """A subject.

    Attributes:
        picture: Path of a PNG file with transparency.
        captions: Captions by language.
    """

    picture: Path
    captions: dict[str, str]


def find_stamps(work: Path) -> Path:
    """Finds the folder of stamps: installed, unpacked earlier, or downloaded by apt and unpacked without installing.

    Args:
        work: Folder to unpack into.

    Raises:
        UserError: The package is neither installed nor downloadable.
    """
    unpacked = work / _INSTALLED.relative_to("/")
    for folder in (_INSTALLED, unpacked):
        if folder.is_dir():
            return folder
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise UserError(f"Debian's {PACKAGE} is needed: install it, or unpack it and name its stamps with --stamps")
    work.mkdir(parents=True, exist_ok=True)
    print(f"fetching {PACKAGE}, 161 MB", flush=True)
    fetched = subprocess.run(["apt-get", "download", PACKAGE], cwd=work, capture_output=True, text=True, check=False)
    packages = sorted(work.glob(f"{PACKAGE}_*.deb"))
    if fetched.returncode or not packages:
        reason = (fetched.stderr.strip().splitlines() or ["no package came"])[-1]
        raise UserError(
            f"apt-get download {PACKAGE} failed ({reason}): try apt-get update, or name the stamps, --stamps"
        )
    subprocess.run(["dpkg-deb", "--extract", packages[-1].name, "."], cwd=work, check=True)
    packages[-1].unlink()
    return unpacked


def read_stamps(folder: Path) -> list[Stamp]:
    """Reads images and captions, one stamp for each English caption, sorted by file name.

    Raises:
        UserError: The folder has no stamps.
    """
    by_caption: dict[str, Stamp] = {}
    for path in sorted(folder.rglob("*.txt")):
        picture = path.with_suffix(".png")
        if path.relative_to(folder).parts[0] in _LEFT_OUT or not picture.is_file():
            continue
        lines = path.read_text("utf-8").splitlines()
        captions = {"en": lines[0].strip()} if lines else {}
        for line in lines[1:]:
            language, _, caption = line.partition(".utf8=")
            if caption.strip():
                captions[language] = caption.strip()
        if captions.get("en"):
            by_caption.setdefault(captions["en"], Stamp(picture, captions))
    if not by_caption:
        raise UserError(f"{folder} has no stamps: name the folder of {PACKAGE} that has animals, food and others")
    return list(by_caption.values())
