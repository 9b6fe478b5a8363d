import subprocess
import sys

PROGRAM = """
import ctypes, resource
from kk99fix.gateway.core_files import forbid_core_files
forbid_core_files()
PR_GET_DUMPABLE = 3
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(PR_GET_DUMPABLE))
"""


def test_no_memory_is_written_anywhere() -> None:
    """Neither to a file nor to a program that the kernel would pipe it to."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )

    assert done.stdout == "(0, 0) 0\n"
