"""What stops a start is one sentence: file, cause, what to do; and nothing is changed."""

import ctypes
import errno
import fcntl
import os
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support.failed_start import failed_start, one_sentence
from support.gateway_process import GatewayProcess, copy_files
from support.live_gateway import LogLines, small_settings
from support.mounted import tmpfs

from kk99fix.gateway import assembly
from kk99fix.journal.errors import JournalLockedError, JournalWriteError
from kk99fix.journal.files import Files
from kk99fix.journal.lock import StateLock

MIB = 1 << 20
SMALL = {"metrics_port": 0, "orders": 20_000, "duplicate_window": 20_000, "segment_bytes": MIB}
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def obey_permissions() -> None:
    """Make the program that is started obey permissions even where the tests run as root."""
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def limited(limit: int, value: int) -> Callable[[], None]:
    """Lower a limit of the program that is started."""
    return lambda: resource.setrlimit(limit, (value, value))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with config/ and sessions/."""
    copy_files(tmp_path, **SMALL)
    return tmp_path


def run_once(folder: Path) -> None:
    """Begin a journal and stop."""
    gateway = GatewayProcess(folder)
    gateway.start()
    assert gateway.end(signal.SIGTERM) == 0


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a state directory but the lock, whose text is a pid."""
    paths = [path for path in (folder / "var").rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in paths if path.name != "lock"}


def test_a_file_in_place_of_the_state_directory(folder: Path) -> None:
    """It is a mistake on the command line, told before anything is done."""
    (folder / "var").write_text("mine")
    result = failed_start(folder)

    assert result.returncode == 2
    assert "var' is a file" in result.stderr
    assert (folder / "var").read_text() == "mine"


def test_a_file_in_place_of_the_journal(folder: Path) -> None:
    """The sentence names it and says to move it away."""
    (folder / "var").mkdir()
    (folder / "var/journal").write_text("mine")
    result = failed_start(folder)

    assert result.returncode == os.EX_IOERR
    assert "var/journal, offset 0: cannot make the folder: File exists" in one_sentence(result)
    assert "Move the file away, or name another directory with --state" in one_sentence(result)
    assert (folder / "var/journal").read_text() == "mine"


def test_a_directory_of_somebody_else(folder: Path) -> None:
    """A state directory that may not be written is named, with the right to give."""
    (folder / "var").mkdir(mode=0o555)
    result = failed_start(folder, before=obey_permissions)
    (folder / "var").chmod(0o755)

    assert result.returncode == os.EX_IOERR
    assert "cannot make the folder: Permission denied" in one_sentence(result)
    assert "`chown`" in one_sentence(result)
    assert list((folder / "var").iterdir()) == []


def test_a_lock_that_may_not_be_opened(folder: Path) -> None:
    """The lock of another user is named; the journal stays as it is."""
    run_once(folder)
    before = tree(folder)
    (folder / "var/lock").chmod(0)
    result = failed_start(folder, before=obey_permissions)

    assert result.returncode == 1
    assert "var/lock: cannot open the lock file: Permission denied" in one_sentence(result)
    assert tree(folder) == before


def test_a_read_only_disk(folder: Path) -> None:
    """The sentence says so, and where the cause may be found."""
    with tmpfs(folder / "var", 8 * MIB):
        os.system(f"mount -o remount,ro {folder / 'var'}")  # noqa: S605 - the test's own folder
        result = failed_start(folder)
        assert result.returncode == os.EX_IOERR
        assert "Read-only file system. Nothing more is sent" in one_sentence(result)
        assert "`dmesg`" in one_sentence(result)


def test_a_full_disk(folder: Path) -> None:
    """No half segment is left behind, and with more room the same command starts."""
    with tmpfs(folder / "var", MIB // 2):
        result = failed_start(folder)
        assert result.returncode == os.EX_IOERR
        assert "00000001.kkj, offset 0: cannot open the next segment: No space" in one_sentence(
            result
        )
        assert "`df -h`" in one_sentence(result)
        assert tree(folder) == {}
        os.system(f"mount -o remount,size=16m {folder / 'var'}")  # noqa: S605 - as above
        run_once(folder)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (errno.ENOSPC, "make room on it"),
        (errno.EDQUOT, "The quota is used up"),
        (errno.EROFS, "mounted read-only"),
        (errno.EIO, "copy the state directory to a sound disk"),
        (errno.EMFILE, "ulimit -n"),
    ],
)
@pytest.mark.parametrize("call", ["open", "pwrite", "fdatasync", "rename"])
def test_every_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, what: str
) -> None:
    """Whichever call fails while a journal is begun, the sentence has the remedy of its error."""

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    files = Files()
    monkeypatch.setattr(files, call, refuse)
    with pytest.raises(JournalWriteError, match=os.strerror(code)) as caught:
        assembly.start(small_settings(tmp_path), tmp_path / "var", LogLines().log, files=files)

    assert what in str(caught.value)
    assert caught.value.errno == code
    assert not list((tmp_path / "var/journal").iterdir())


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Without a lock two processes could write: the start is refused, and nothing stays open."""

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - not a folder of files
    with pytest.raises(JournalLockedError, match=r"lock: cannot lock.*local disk with --state"):
        StateLock(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above


def test_a_full_disk_does_not_keep_the_lock_from_holding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pid is for a message alone."""

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", refuse)
    with StateLock(tmp_path), pytest.raises(JournalLockedError, match="pid unknown"):
        StateLock(tmp_path)


def test_too_few_descriptors(folder: Path) -> None:
    """Connections may never use up the descriptor of the journal's next segment."""
    result = failed_start(folder, before=limited(resource.RLIMIT_NOFILE, 512))

    assert result.returncode == 1
    assert "at most 512 files may be open, and max_connections = 1024" in one_sentence(result)
    assert "needs 1088. Raise the limit (ulimit -Hn" in one_sentence(result)
    assert not (folder / "var").exists()


@pytest.mark.skipif(
    os.environ.get("KK99_SANITIZE") == "1", reason="a sanitizer reserves terabytes of addresses"
)
def test_too_little_memory(tmp_path: Path) -> None:
    """Pools that do not fit into memory are one sentence, and no journal is begun."""
    copy_files(tmp_path, **(SMALL | {"orders": 4_000_000, "duplicate_window": 4_000_000}))
    result = failed_start(tmp_path, before=limited(resource.RLIMIT_AS, 1 << 30))

    assert result.returncode == 1
    assert "Lower [capacity] of venue.toml" in one_sentence(result)
    assert tree(tmp_path) == {}


def test_files_of_somebody_else_are_left_alone(folder: Path) -> None:
    """What is no segment by its name is neither read nor removed."""
    run_once(folder)
    journal = folder / "var/journal"
    for name in ("README", "00000001.kkj.bak", "1.kkj"):
        (journal / name).write_text("mine")
    run_once(folder)

    assert (journal / "README").read_text() == "mine"
    assert (journal / "00000001.kkj.bak").read_text() == "mine"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda journal: shutil.copy(journal / "00000001.kkj", journal / "00000002.kkj"),
            "00000002.kkj, offset 16: the file holds segment 1 but is named 00000002.kkj",
        ),
        (
            lambda journal: (journal / "00000001.kkj").rename(journal / "00000002.kkj"),
            "00000001.kkj, offset 0: the file is missing",
        ),
        (
            lambda journal: (journal / "00000001.kkj").write_bytes(b"mine"),
            "00000001.kkj, offset 0: this is not a segment of a kk99fix journal",
        ),
        (
            lambda journal: os.truncate(journal / "00000001.kkj", MIB // 2),
            "00000001.kkj, offset 524288: the file has 524288 bytes, its header says 1048576",
        ),
    ],
    ids=["duplicate", "lost", "foreign", "cut"],
)
def test_segments_that_are_not_as_they_were(
    folder: Path, spoil: Callable[[Path], object], said: str
) -> None:
    """The first file that is wrong is named, and nothing is changed."""
    run_once(folder)
    spoil(folder / "var/journal")
    before = tree(folder)
    result = failed_start(folder)

    assert result.returncode == 1
    assert said in one_sentence(result)
    assert tree(folder) == before
