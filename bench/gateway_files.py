"""The files a gateway under load is started with: config/, sessions/ and an empty state folder.

Instruments and calendar are the shipped ones, so AAPL has its shipped tick and reference price.
Limits are wide, since the flow is meant to be accepted.
It runs without children: what they cost is measured by lines of their own.
"""

import shutil
from pathlib import Path

import attrs

from bench.certificates import CERTIFICATE_FILE, KEY_FILE, write_certificates
from bench.lines import Line

REPOSITORY = Path(__file__).resolve().parent.parent
SEGMENT_BYTES = 1 << 30
ACCOUNT_SUFFIX = "-HOUSE"
SPARE = 64

_VENUE = """\
[venue]
comp_id = "KK99"
currency = "USD"
durability = "{durability}"

[listen]
host = "127.0.0.1"
port = 0
metrics_port = 0
max_connections = {connections}
max_connections_per_address = {connections}

[children]
keeper = false
projector = false

[journal]
segment_bytes = {segment_bytes}

[capacity]
orders = {orders}
duplicate_window = {orders}
sessions = {sessions}
accounts = {sessions}
ring_bytes = {ring_bytes}
touch_at_start = true

[slow_reader]
max_seconds = 3600
max_bytes = 1_099_511_627_776

[rates]
EUR = "1.08"
GBP = "1.27"
"""

_TLS = f"""
[tls]
port = 0
certificate = "{CERTIFICATE_FILE}"
private_key = "{KEY_FILE}"
"""

_RISK = """\
[default]
max_order_qty = "1000000"
max_order_notional = "50000000"
max_open_orders = 0
price_band_percent = "10"
"""

_SESSION = """\
[session]
sender_comp_id = "{comp_id}"
target_comp_id = "KK99"
role = "order-entry"
firm = "Load"
accounts = ["{comp_id}{suffix}"]

[logon]
allow_from = ["127.0.0.0/8"]
heart_bt_int = [5, 60]
reset_seq_num = "allowed"
cancel_on_disconnect = false
"""

_DESK = """\
[session]
sender_comp_id = "{comp_id}"
target_comp_id = "KK99"
role = "drop-copy"
firm = "Desk"

[logon]
allow_from = ["127.0.0.0/8"]
heart_bt_int = [5, 60]

[drop_copy]
firms = ["*"]
"""


@attrs.frozen
class GatewayFiles:
    """Folders for `kk99fix serve`."""

    config: Path
    sessions: Path
    state: Path

    @property
    def journal(self) -> Path:
        """Where the segments are."""
        return self.state / "journal"


def comp_ids(count: int) -> list[str]:
    """Return the CompIDs of the load sessions, as the client's `LOAD:N` gives them."""
    return [f"LOAD{number:04d}" for number in range(1, count + 1)]


def desk_ids(count: int) -> list[str]:
    """Return the CompIDs of further drop-copy sessions."""
    return [f"DESK{number:04d}" for number in range(1, count + 1)]


def session_text(comp_id: str) -> str:
    """Return the file of a session with an account of its own."""
    return _SESSION.format(comp_id=comp_id, suffix=ACCOUNT_SUFFIX)


def write_gateway_files(root: Path, line: Line) -> GatewayFiles:
    """Write everything for one run below `root`, which must not hold an earlier run."""
    files = GatewayFiles(root / "config", root / "sessions", root / "state")
    for folder in (files.config, files.sessions, files.journal):
        folder.mkdir(parents=True)
    for name in ("instruments.toml", "calendar.toml"):
        shutil.copy(REPOSITORY / "config" / name, files.config / name)
    venue = _VENUE.format(
        durability=line.durability,
        connections=line.sessions + SPARE,
        segment_bytes=SEGMENT_BYTES,
        orders=line.orders + SPARE,
        sessions=line.sessions + line.further + SPARE,
        ring_bytes=line.ring_bytes,
    )
    if line.tls:
        write_certificates(files.config)
        venue += _TLS
    (files.config / "venue.toml").write_text(venue)
    (files.config / "risk.toml").write_text(_RISK)
    for comp_id in comp_ids(line.sessions):
        (files.sessions / f"{comp_id}.toml").write_text(session_text(comp_id))
    for comp_id in desk_ids(line.desks):
        (files.sessions / f"{comp_id}.toml").write_text(_DESK.format(comp_id=comp_id))
    if line.drop_copy:
        shutil.copy(REPOSITORY / "sessions" / "DROPCOPY1.toml", files.sessions)
    return files
