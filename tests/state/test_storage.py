"""The state directory at start."""

from pathlib import Path

from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Capacity
from kk99fix.state.storage import Storage, open_storage

CAPACITY = Capacity(
    orders=10,
    levels=10,
    sessions=2,
    firms=1,
    accounts=1,
    instruments=1,
    duplicate_window=10,
    rings=1,
    ring_bytes=1 << 19,
)
DAY = 20260921


def opened(folder: Path) -> Storage:
    """The storage of a gateway that is stopped at once."""
    storage = open_storage(folder, CAPACITY, 1 << 20, DAY)
    storage.writer.close()
    storage.lock.close()
    return storage


def hash_and_close(engine: Engine) -> int:
    """Hash of the state that the engine ends with."""
    state = engine.state_hash()
    engine.close()
    return state


def test_each_journal_keys_its_ids(tmp_path: Path) -> None:
    """A journal has a secret of its own, which every start finds again."""
    first, again, other = (
        hash_and_close(opened(tmp_path / name).venue.engine) for name in ("a", "a", "b")
    )

    assert again == first
    assert other != first
