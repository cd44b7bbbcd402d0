"""Folders that only the user can write to: programs run what they contain."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from metaclip_curate.errors import UserError


def cache_folder() -> Path:
    """Returns the folder below which programs keep what they can make again, as the XDG specification names it."""
    return Path(os.environ.get("XDG_CACHE_HOME", "") or "~/.cache").expanduser()


def own_folder(folder: Path, purpose: str, remedy: str) -> Path:
    """Makes a folder that nobody else can write to, or checks that it is one.

    Args:
        folder: The folder. Missing parents are created.
        purpose: What it is for, for the message: the packaged Java.
        remedy: What else a user can do, for the message.

    Raises:
        UserError: It can't be made, or others can write to it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{folder} can't be made for {purpose} ({error.strerror}): set XDG_CACHE_HOME to a folder of yours, or "
            f"{remedy}"
        ) from error
    if is_own(folder) and folder.is_dir():
        return folder
    raise UserError(
        f"{folder} isn't a folder that only you can write to, and programs would run what is in it: remove it, or "
        f"{remedy}"
    )


def is_own(path: Path) -> bool:
    """Returns whether a file or folder, which isn't a link, belongs to the user and nobody else can write to it."""
    try:
        state = path.lstat()
    except OSError:
        return False
    return (
        (stat.S_ISDIR(state.st_mode) or stat.S_ISREG(state.st_mode))
        and state.st_uid == os.getuid()
        and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )
