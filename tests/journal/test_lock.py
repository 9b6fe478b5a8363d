import os
import subprocess
import sys
from pathlib import Path

import pytest

from kk99fix.journal.errors import JournalLockedError, JournalReadError
from kk99fix.journal.lock import StateLock

OTHER_PROCESS = """
import sys
from pathlib import Path
from kk99fix.journal.errors import JournalLockedError
from kk99fix.journal.lock import StateLock
try:
    StateLock(Path(sys.argv[1]))
except JournalLockedError as error:
    print(error)
"""


def test_a_second_process_is_told_who_has_the_lock(tmp_path: Path) -> None:
    """Another process gets one sentence with the owner's pid and what to do."""
    with StateLock(tmp_path):
        told = subprocess.run(
            [sys.executable, "-c", OTHER_PROCESS, str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert f"another kk99fix process (pid {os.getpid()}) uses {tmp_path}" in told
    assert "--state" in told


def test_the_same_process_cannot_take_it_twice(tmp_path: Path) -> None:
    """The lock belongs to the open file, so two owners in one process are refused too."""
    with StateLock(tmp_path), pytest.raises(JournalLockedError):
        StateLock(tmp_path)


def test_a_lock_file_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    """A directory in the lock's place, like missing rights, is an error with the cause."""
    (tmp_path / "lock").mkdir()

    with pytest.raises(JournalReadError, match="lock: cannot open the lock file: Is a directory"):
        StateLock(tmp_path)


def test_a_closed_lock_can_be_taken_again(tmp_path: Path) -> None:
    """After `close` the next process gets in, and its pid replaces the old one."""
    StateLock(tmp_path).close()

    with StateLock(tmp_path) as lock:
        assert lock.path.read_text() == f"{os.getpid()}\n"
