"""What the files of the journal are called.

    journal/00000001.kkj        a segment
    journal/00000001.kkj.zst    a segment of before, compressed; it takes the place of the .kkj
    journal/00000001.seal       what the keeper found out about a segment that is complete
    journal/removed.json        how far retention has removed segments

`segment` names the segments themselves.
While one is being replaced both of its files are there, and the one that was first counts.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

#: Of the state directory: where all of them are.
JOURNAL_FOLDER: Final = "journal"
COMPRESSED_SUFFIX: Final = ".kkj.zst"
SEAL_SUFFIX: Final = ".seal"
REMOVED_NAME: Final = "removed.json"
#: A file that is being written; never read, and removed by whoever writes such files next.
PART_SUFFIX: Final = ".part"
_SEGMENT: Final = re.compile(r"(\d{8,})\.kkj(?:\.zst)?")
_SEAL: Final = re.compile(r"(\d{8,})\.seal")


def compressed_name(number: int) -> str:
    """Return the file name of segment `number` once it is compressed."""
    return f"{number:08d}{COMPRESSED_SUFFIX}"


def seal_name(number: int) -> str:
    """Return the file name of the seal of segment `number`."""
    return f"{number:08d}{SEAL_SUFFIX}"


def is_compressed(path: Path) -> bool:
    """Whether a segment's file is a compressed one."""
    return path.name.endswith(COMPRESSED_SUFFIX)


def segment_paths(paths: Iterable[Path]) -> dict[int, Path]:
    """Return the segments' files among `paths` by number, in order."""
    found: dict[int, Path] = {}
    for path in sorted(paths, reverse=True):  # so that .kkj comes last, and counts
        if match := _SEGMENT.fullmatch(path.name):
            found[int(match[1])] = path
    return dict(sorted(found.items()))


def seal_numbers(paths: Iterable[Path]) -> list[int]:
    """Return the numbers of the seals among `paths`, in order."""
    return sorted(int(match[1]) for path in paths if (match := _SEAL.fullmatch(path.name)))
