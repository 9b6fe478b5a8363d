"""`kk99fix ctl reload`: what a person is told of files that have changed."""

from functools import partial
from pathlib import Path

import trio
from click.testing import CliRunner, Result
from support.reloading import Reloading, reloading, session_text, small_files

from kk99fix.cli import main


async def ran(at: Reloading) -> Result:
    """Run it beside the gateway of this process."""
    state = str(at.live.gateway.storage.state_dir)
    run = partial(CliRunner().invoke, main, ["ctl", "reload", "--state", state])
    return await trio.to_thread.run_sync(run)


async def test_what_was_taken_over_and_what_was_refused(tmp_path: Path) -> None:
    """Names and hints on standard output; mistakes as `check` has them on the other, and exit 1."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        calm = await ran(at)
        assert (calm.exit_code, calm.output) == (0, "nothing new\n")
        at.files.write("sessions/NEW1.toml", session_text("NEW1"))
        at.files.replace("config/venue.toml", "max_seconds = 10", "max_seconds = 11")
        at.files.replace("sessions/BROKER1.toml", "role =", "rolle =")
        result = await ran(at)

        venue, broken = at.files.config / "venue.toml", at.files.sessions / "BROKER1.toml"
        assert result.exit_code == 1
        assert result.stdout == f"taken over: NEW1\n{venue}: needs a restart\n"
        assert sorted(result.stderr.splitlines()) == [
            f"{broken}:3: session.role: is missing",
            f'{broken}:6: session.rolle: is unknown; did you mean "role"?',
        ]
