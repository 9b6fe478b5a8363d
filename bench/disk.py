"""The disk alone: what one write and sync of 4 KiB takes on a file of zeros.

No order at level `durable` can be faster, whatever is in front of the disk.
"""

import os
import time
from pathlib import Path
from statistics import median

from bench.segments import zero

WRITES = 1500
PAGE = bytes(4096)


def sync_p50_us(path: Path) -> float:
    """Return the median of pwrite and fdatasync of one page after the other; leaves no file."""
    zero(path, WRITES * len(PAGE))
    fd = os.open(path, os.O_RDWR)
    took_ns = []
    try:
        for number in range(WRITES):
            begun_ns = time.perf_counter_ns()
            os.pwrite(fd, PAGE, number * len(PAGE))
            os.fdatasync(fd)
            took_ns.append(time.perf_counter_ns() - begun_ns)
    finally:
        os.close(fd)
        path.unlink()
    return median(took_ns) / 1000
