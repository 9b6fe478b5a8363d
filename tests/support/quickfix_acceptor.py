"""QuickFIX as the acceptor: its session layer with a small venue, in a process of its own.

The program is tests/interop/quickfix_acceptor.cpp; it validates against a stock FIX 4.4 dictionary.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from support.gateway_process import free_port
from support.lines import LineReader
from support.quickfix_engine import (
    COMMON_SETTINGS,
    DICTIONARIES,
    ENDED_WITHIN_S,
    REPOSITORY,
    WAIT_S,
    build,
)

SOURCE: Final = REPOSITORY / "tests" / "interop" / "quickfix_acceptor.cpp"
COMP_IDS: Final = ("BROKER1", "BROKER2")

_SETTINGS = (
    COMMON_SETTINGS
    + """\
ConnectionType=acceptor
SocketAcceptPort={port}
SocketReuseAddress=Y
BeginString=FIX.4.4
SenderCompID=KK99
"""
)


@contextlib.contextmanager
def quickfix_acceptor(folder: Path) -> Iterator[int]:
    """Serve BROKER1 and BROKER2 while the block runs; gives the port."""
    port = free_port()
    dictionary = next(path for path in DICTIONARIES if path.exists())
    settings = folder / "settings"
    sessions = "".join(f"\n[SESSION]\nTargetCompID={comp_id}\n" for comp_id in COMP_IDS)
    text = _SETTINGS.format(port=port, store=folder / "store", dictionary=dictionary)
    settings.write_text(text + sessions)
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [build(SOURCE), settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | {"TZ": "UTC"},
        )
    assert process.stdin is not None
    assert process.stdout is not None
    lines = LineReader(process.stdout)
    try:
        assert lines.next_line(WAIT_S) == "listening", (folder / "stderr").read_text()
        yield port
    finally:
        process.stdin.close()  # the end of its input ends it
        try:
            process.wait(ENDED_WITHIN_S)
        finally:
            process.kill()
            process.wait()
            lines.join()
            process.stdout.close()
