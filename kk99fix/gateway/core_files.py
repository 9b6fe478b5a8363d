"""No core file of the gateway: one would hold keys, seeds, passwords and orders.

A limit of zero keeps the kernel from writing a file, but not from piping the memory to a program,
as most distributions have it do; for that the process must not be dumpable at all.
Children are dumpable again once they run their own program, and they hold no credentials.
"""

import ctypes
import os
import resource
from typing import Final

PR_SET_DUMPABLE: Final = 4


def forbid_core_files() -> None:
    """Have no memory of this process written anywhere when it crashes; OSError."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
