"""Small JSON files beside the segments, each with its own checksum, each replaced as a whole.

A sheet is one JSON object with sorted keys; `crc32c` is that of the object's text without it.
It is written under another name, synced, renamed, and its directory synced: whoever reads finds
the old one or the new one.
"""

import json
import os
from pathlib import Path
from typing import Any

from crc32c import crc32c

from kk99fix.journal.errors import JournalDamagedError, JournalReadError
from kk99fix.journal.files import Files, write_all
from kk99fix.journal.names import PART_SUFFIX


def write_sheet(files: Files, path: Path, content: dict[str, Any]) -> None:
    """Replace the sheet at `path`; it is on the disk when this returns; OSError."""
    checked = content | {"crc32c": crc32c(_text(content))}
    part = path.with_name(path.name + PART_SUFFIX)
    fd = files.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        write_all(files, fd, _text(checked) + b"\n", 0)
        files.fdatasync(fd)
    finally:
        files.close(fd)
    files.rename(part, path)
    files.sync_directory(path.parent)


def read_sheet(path: Path, remedy: str) -> dict[str, Any]:
    """Return what a sheet holds; JournalDamagedError with `remedy`, JournalReadError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise JournalReadError(path, error) from error
    try:
        content = json.loads(text)
    except ValueError:
        raise JournalDamagedError(path, 0, "this is not a JSON object", remedy) from None
    if not isinstance(content, dict):
        raise JournalDamagedError(path, 0, "this is not a JSON object", remedy)
    if content.pop("crc32c", None) != crc32c(_text(content)):
        raise JournalDamagedError(path, 0, "the checksum does not fit the text", remedy)
    return content


def _text(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")
