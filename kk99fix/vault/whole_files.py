"""Writes a file whole or not at all, also when the machine stops on the way.

The bytes go to a temporary name in the same folder, are synced, and get their own name last.
A temporary name begins with a dot, so that nobody takes it for a finished file.
What root writes belongs to whoever owns the folder: the gateway, which is not root, has to read it.
"""

import os
from contextlib import suppress
from pathlib import Path

OWNER_ONLY = 0o600


def write_whole(path: Path, data: bytes, *, mode: int = OWNER_ONLY, replace: bool = False) -> None:
    """Write `data` to `path`; OSError.

    Without `replace` a file that is there stays as it is: FileExistsError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_synced(temporary, data, mode)
        if replace:
            temporary.rename(path)
        else:
            path.hardlink_to(temporary)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder that its owner alone may enter, where there is none."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_synced(path: Path, data: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(path, flags, OWNER_ONLY), "wb") as file:  # noqa: PTH123 - the mode from the start
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), mode)
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        os.fsync(file.fileno())
