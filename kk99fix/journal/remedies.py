"""What a person can do about an error of the system, by its number.

Each is a sentence without its full stop, to stand behind what failed and where.
"""

import errno
from pathlib import Path
from typing import Final

_GENERIC: Final = "Mend the disk or make room on it"
_REMEDIES: Final = {
    errno.ENOSPC: "The disk is full: make room on it (`df -h` and `df -i` say how much)",
    errno.EDQUOT: "The quota is used up: raise it or make room (`quota` says how much)",
    errno.EROFS: (
        "The disk is mounted read-only, often after an error: see `dmesg`, mend it, mount it "
        "read-write"
    ),
    errno.EIO: (
        "The disk fails: see `dmesg`, and copy the state directory to a sound disk before "
        "anything else"
    ),
    errno.EACCES: "Give the user that kk99fix runs as the right to it (`ls -l`, `chown`)",
    errno.EPERM: "Give the user that kk99fix runs as the right to it (`ls -l`, `lsattr`)",
    errno.EFBIG: "Files may not be so large: raise the limit (`ulimit -f`)",
    errno.ENOTDIR: "Move the file away, or name another directory with --state",
    errno.EEXIST: "Move the file away, or name another directory with --state",
    errno.EISDIR: "Move the directory away",
    errno.ENOENT: "Restore the file from a copy, or name another directory with --state",
    errno.EMFILE: "Raise the limit of open files (`ulimit -n`, LimitNOFILE= of systemd)",
    errno.ENFILE: "The system has no more open files: raise fs.file-max",
    errno.ENOLCK: "Its file system has no locks: name a directory on a local disk with --state",
    errno.EOPNOTSUPP: "Its file system has no locks: name a directory on a local disk with --state",
}


def remedy(number: int | None) -> str:
    """Return what to do about errno `number`; it begins with a capital and has no full stop."""
    return _REMEDIES.get(number or 0, _GENERIC)


def from_a_copy(segment: Path) -> str:
    """Return what to do about a segment that is missing or not as it was written."""
    return (
        f"No file was changed. Restore the file from a copy, then check it with "
        f"`kk99fix journal verify --state {segment.parent.parent}`"
    )
