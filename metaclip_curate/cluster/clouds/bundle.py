"""The files that `make package` wrote, and their upload to a bucket."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.run.stages import STAGES
from metaclip_curate.storage import StorageOptions


@dataclass(frozen=True)
class Upload:
    """A file to upload.

    Attributes:
        local: Path of the file.
        url: URL of the object. It contains a digest of the file, so that an existing object needs no upload.
    """

    local: str
    url: str

    def as_call(self) -> dict[str, Any]:
        """Describes the upload for a dry run."""
        return {"call": "upload", "parameters": dataclasses.asdict(self)}


@dataclass(frozen=True)
class Bundle:
    """The files of a package.

    Attributes:
        archive: The archive with the Python environment.
        jobs: The script of each stage.
        settings: The settings of deploy/spark-defaults.conf.
    """

    archive: Path
    jobs: dict[str, Path]
    settings: dict[str, str]

    @classmethod
    def find(cls, folder: str) -> Bundle:
        """Finds the files in a folder.

        Raises:
            UserError: A file is missing, or there are several archives.
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
        """Lists the uploads to a folder URL, by stage, with that of the archive under `archive`."""
        parts = {"archive": self.archive, **self.jobs}
        return {
            name: Upload(str(path), storage.join(root, "package", _digest(path), path.name))
            for name, path in parts.items()
        }


def read_settings(path: Path) -> dict[str, str]:
    """Reads a spark-defaults.conf, whose lines are a name, spaces and a value, or a comment that begins with #."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    settings = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return {name: rest[0] if rest else "" for name, *rest in settings}


def folder_uploads(folder: str, root: str) -> tuple[str, list[Upload]]:
    """Lists the uploads of a local folder.

    Args:
        folder: Local folder. Files in its subfolders are left out.
        root: URL of the folder to upload to.

    Returns:
        URL of the uploaded folder, which contains a digest of all files, and the uploads.

    Raises:
        UserError: The folder doesn't exist or is empty.
    """
    if not Path(folder).is_dir():
        raise UserError(f"there is no folder {folder}")
    files = sorted(path for path in Path(folder).iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise UserError(f"{folder} is empty")
    names = "\n".join(f"{path.name} {_digest(path)}" for path in files)
    url = storage.join(root, "metadata", hashlib.sha256(names.encode()).hexdigest()[:16])
    return url, [Upload(str(path), storage.join(url, path.name)) for path in files]


def send(uploads: Sequence[Upload], options: StorageOptions, output: str, log: Callable[[str], None]) -> None:
    """Uploads the files that the bucket doesn't have yet, and logs their number.

    Args:
        uploads: The files.
        options: Credentials and limits for the bucket.
        output: The run folder, for the log.
        log: Function that prints a line.

    Raises:
        UserError: The bucket can't be written.
    """
    missing = [upload for upload in uploads if not storage.exists(upload.url, options)]
    for upload in missing:
        storage.upload_file(upload.local, upload.url, options)
    log(f"{len(missing)} of {len(uploads)} files uploaded to {output}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
