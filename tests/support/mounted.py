"""Small disks of their own, for tests of a full or failing one; only root may mount them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tmpfs(folder: Path, size_bytes: int) -> Iterator[None]:
    """Mount a file system in memory on `folder` while the block runs."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs"):
        yield


@contextmanager
def ext4(image: Path, folder: Path) -> Iterator[None]:
    """Mount an ext4 file system that turns read-only at its first error."""
    if not image.exists():
        with image.open("wb") as file:
            file.truncate(24 << 20)
        _run("mkfs.ext4", "-q", str(image))
    with _mounted(folder, "-o", "loop,errors=remount-ro", str(image)):
        yield


def make_read_only(folder: Path) -> None:
    """Tell the ext4 file system on `folder` that it has an error."""
    lines = Path("/proc/mounts").read_text().splitlines()
    (device,) = [line.split()[0] for line in lines if line.split()[1] == str(folder)]
    name = Path(device).name
    assert name.startswith("loop"), device
    Path(f"/sys/fs/ext4/{name}/trigger_fs_error").write_text("1")


@contextmanager
def _mounted(folder: Path, *what: str) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    _run("mount", *what, str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)  # noqa: S607 - as on every system


def _run(*command: str) -> None:
    """Run a command that takes root; where that is not allowed the test is skipped, never in CI."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lack = done.stderr.strip() if done.returncode else ""
    except FileNotFoundError as error:
        lack = str(error)
    if lack:
        assert os.environ.get("KK99_CI") != "1", lack
        pytest.skip(f"no disk of its own: {lack}")
