"""Runs a command as a child of `serve`: `python -m kk99fix.child keep --state DIR`.

The child lives as long as its standard input is open, which is a pipe that only its parent holds:
however the parent dies, the child is gone in the same moment. What it writes is written so that
this may happen anywhere.
It gives way to trading: nice 19, and with `--idle` only what of the processors nobody else wants,
which is what the disk's scheduler then gives it too.  While it works it yields every so often as
well, since a priority alone does not end a slice: the command gets a `GiveWay` for that.
"""

import os
import resource
import sys
import threading

from kk99fix.cli import main
from kk99fix.matcher.giving_way import giving_way

LEAST_NICE: int = 19


def give_way(*, idle: bool) -> None:
    """Take the lowest priority."""
    os.nice(LEAST_NICE)
    if idle:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def end_with_parent() -> None:
    """End the process once standard input is closed."""
    threading.Thread(target=_wait_for_end, daemon=True, name="parent").start()


def _wait_for_end() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def run(arguments: list[str]) -> None:
    """Run a command of `kk99fix` as a child."""
    idle = arguments[:1] == ["--idle"]
    # A core file would hold orders.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    end_with_parent()
    give_way(idle=idle)
    with giving_way() as often:
        main(args=arguments[1:] if idle else arguments, prog_name="kk99fix", obj=often)


if __name__ == "__main__":
    run(sys.argv[1:])
