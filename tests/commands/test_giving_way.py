import signal
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.gateway_process import copy_files
from support.kept_state import traded_state
from support.watched_give_way import WatchedGiveWay

from kk99fix.cli import main


@pytest.mark.parametrize(("command", "stretches"), [("keep", 3), ("project", 2)])
def test_a_child_gives_way_at_work_and_sleeps_undisturbed(
    command: str, stretches: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timer is armed for each step that does something, and never while there is nothing."""
    state = traded_state(tmp_path / "state")
    copy_files(tmp_path)
    files = ["--config", str(tmp_path / "config"), "--sessions", str(tmp_path / "sessions")]
    options = [*(files if command == "keep" else []), "--state", str(state), "--follow"]
    watched = WatchedGiveWay()

    def sleep(_: float) -> None:
        assert not watched.within
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(time, "sleep", sleep)
    result = CliRunner().invoke(main, [command, *options], obj=watched.give_way)

    assert result.exit_code == 0, result.output
    assert watched.stretches >= stretches
