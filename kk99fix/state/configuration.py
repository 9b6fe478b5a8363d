"""The configuration that a state directory knows without its journal: that of the newest snapshot.

Whoever reads a journal whose first segments are gone finds the names of its ids there.
"""

import json
from pathlib import Path
from typing import Any

from kk99fix.state.snapshot_file import VENUE
from kk99fix.state.snapshots import SNAPSHOT_FOLDER, newest_snapshot


def last_configuration(state_dir: Path) -> dict[str, Any] | None:
    """Return the content of the last CONFIG before the newest snapshot; None without one."""
    snapshot = newest_snapshot(state_dir / SNAPSHOT_FOLDER, lambda _: None)
    if snapshot is None:
        return None
    saved = json.loads(b"".join(data for kind, data in snapshot.sections if kind == VENUE))
    content: dict[str, Any] = saved["registry"]["content"]
    return content or None
