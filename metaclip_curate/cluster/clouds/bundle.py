"""What `make package` wrote, and where it goes in the bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.run.folder import STAGES
from metaclip_curate.storage import StorageOptions


@dataclass(frozen=True)
class Upload:
    """One file on its way.

    Attributes:
        local: The file.
        url: Where it goes. The name holds a digest of what is in it, so that an object of that name needs no upload.
    """

    local: str
    url: str


@dataclass(frozen=True)
class Bundle:
    """The files of a package.

    Attributes:
        archive: The environment archive.
        jobs: The script of each stage.
        settings: deploy/spark-defaults.conf, read.
    """

    archive: Path
    jobs: dict[str, Path]
    settings: dict[str, str]

    @classmethod
    def find(cls, folder: str) -> Bundle:
        """Looks into a folder.

        Raises:
            UserError: Something is missing, or there are several archives.
        """
        root = Path(folder)
        archives = sorted(root.glob("metaclip-curate-*.tar.gz"))
        if len(archives) != 1:
            found = ", ".join(path.name for path in archives) or "none"
            raise UserError(f"{folder} must hold one environment archive and has {found}: run `make package`")
        jobs = {stage: root / "jobs" / f"{stage}.py" for stage in STAGES}
        settings = root / "spark-defaults.conf"
        for path in (*jobs.values(), settings):
            if not path.is_file():
                raise UserError(f"there is no {path}: run `make package`")
        return cls(archives[0], jobs, read_settings(settings))

    def uploads(self, root: str) -> dict[str, Upload]:
        """Where the files go below a URL: by stage, and `archive`."""
        parts = {"archive": self.archive, **self.jobs}
        return {
            name: Upload(str(path), storage.join(root, "package", _digest(path), path.name))
            for name, path in parts.items()
        }


def read_settings(path: Path) -> dict[str, str]:
    """Reads a spark-defaults.conf: a name, spaces, and a value a line; # begins a comment line."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    settings = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return {name: rest[0] if rest else "" for name, *rest in settings}


def folder_uploads(folder: str, root: str) -> tuple[str, list[Upload]]:
    """The files of a local folder on their way below a URL.

    Args:
        folder: Local, its files but not those below it are taken.
        root: Where they go.

    Returns:
        The folder's URL, which holds a digest of all files, and the uploads.

    Raises:
        UserError: There is no such folder, or nothing in it.
    """
    if not Path(folder).is_dir():
        raise UserError(f"there is no folder {folder}")
    files = sorted(path for path in Path(folder).iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise UserError(f"{folder} is empty")
    names = "\n".join(f"{path.name} {_digest(path)}" for path in files)
    url = storage.join(root, "metadata", hashlib.sha256(names.encode()).hexdigest()[:16])
    return url, [Upload(str(path), storage.join(url, path.name)) for path in files]


def send(uploads: Sequence[Upload], options: StorageOptions, output: str, tell: Callable[[str], None]) -> None:
    """Uploads what isn't there yet, and tells how much that was.

    Args:
        uploads: The files.
        options: How to reach the bucket.
        output: The run folder, for what is told.
        tell: Takes the line.

    Raises:
        UserError: The bucket can't be written.
    """
    missing = [upload for upload in uploads if not storage.exists(upload.url, options)]
    for upload in missing:
        storage.upload_file(upload.local, upload.url, options)
    tell(f"{len(missing)} of {len(uploads)} files uploaded to {output}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
