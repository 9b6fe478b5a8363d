"""Runs `kk99fix` as a neighbour that yields after each step: `python -m bench.yielding ARGUMENTS`.

What shares a core with the load client must not keep it for the rest of a slice, or that is what
gets measured; docs/decisions/giving-way.md says how that happens.
"""

import os
import sys
from functools import partial
from unittest.mock import patch

import trio

from kk99fix.cli import main


class _Yields(trio.abc.Instrument):
    """Gives the processor back whenever a task has had its turn."""

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Yield."""
        del task
        os.sched_yield()


if __name__ == "__main__":
    with patch.object(trio, "run", partial(trio.run, instruments=[_Yields()])):
        main(args=sys.argv[1:], prog_name="kk99fix")
