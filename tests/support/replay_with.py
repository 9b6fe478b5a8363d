"""Replays journals with a core that was built in another way: `python -m support.replay_with`.

Arguments: the built core, then journals as bare records.
For each journal one line: state hash, records compared, next lsn.
"""

import importlib.util
import sys
from pathlib import Path

CORE = "kk99fix.matcher._core"


def use_core(path: str) -> None:
    """Load the core from `path`, before anything else asks for it."""
    assert CORE not in sys.modules
    spec = importlib.util.spec_from_file_location(CORE, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[CORE] = module


def main(core: str, *journals: str) -> None:
    """Replay the journals with the core at that path."""
    use_core(core)
    from kk99fix.matcher.engine import Engine  # noqa: PLC0415
    from kk99fix.venue.recovery import replay  # noqa: PLC0415
    from kk99fix.venue.venue import Venue  # noqa: PLC0415
    from support.small_venue import LARGE  # noqa: PLC0415 - after the core is chosen

    for journal in journals:
        venue = Venue(Engine(LARGE))
        recovered = replay(venue, [memoryview(Path(journal).read_bytes())])
        engine = venue.engine
        print(f"{engine.state_hash():016x} {recovered.messages} {engine.next_lsn}")  # noqa: T201
        engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
