import re
from pathlib import Path

import pytest
from support.config_folder import REPOSITORY
from support.live_gateway import small_settings
from support.still_gateway import StillGateway

from kk99fix.gateway import acceptor, certificate_watch, connections
from kk99fix.gateway.authentication import Refusal
from kk99fix.gateway.counts import Snapshots
from kk99fix.gateway.metrics import GatewayCollector
from kk99fix.gateway.reload import NETWORK_WITHDRAWN
from kk99fix.gateway.tls_causes import TlsCause
from kk99fix.session.effects import DisconnectCause
from kk99fix.venue.leaving import DISABLED, REMOVED

TEXT = (REPOSITORY / "docs/operations.md").read_text()


def section(title: str) -> set[str]:
    """Everything in backquotes in the first column of the table under a heading."""
    (text,) = re.findall(rf"#+ {title}\n(.*?)(?=\n#|\Z)", TEXT, re.DOTALL)
    rows = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(.*?)`", row)}


def test_every_metric_is_described(tmp_path: Path) -> None:
    """The table has the series of metrics.py and no others."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        families = GatewayCollector(Snapshots(still.gateway)).collect()
        names = {family.name for family in families}

    assert section("Metrics") == names


def test_every_refusal_is_described() -> None:
    """The table has every cause that a refused logon may have."""
    source = Path(acceptor.__file__).read_text()
    written = set(re.findall(r'Refused\("([a-z-]+)"\)|return "([a-z-]+)"', source))
    causes = {name for pair in written for name in pair if name} | {"network-of-nobody"}

    causes |= {refusal.value for refusal in Refusal} | {cause.value for cause in TlsCause}
    assert section("Why a logon is refused") == causes


def test_every_end_is_described() -> None:
    """The table has every cause that the end of a session may have."""
    causes = {cause.value for cause in DisconnectCause} | set(connections._CUT_CAUSES.values())
    causes |= {connections.TLS_BROKEN, certificate_watch.WITHDRAWN}
    ours = {
        *("gateway-stopped", "gateway-failed", "numbers-reset"),
        *(REMOVED.cause, DISABLED.cause, NETWORK_WITHDRAWN),
        "internal-fault",
    }

    assert section("Why a session ends") == causes | ours


@pytest.mark.parametrize(
    "module",
    [
        *(
            "assembly",
            "server",
            "acceptor",
            "authentication",
            "connections",
            "clock",
            "sequencer",
            "refusals",
        ),
        *(
            "timers",
            "schedules",
            "disk_space",
            "unknown_trades",
            "resend_log",
            "child_reports",
            "children",
            "reload",
            "reloader",
            "operator",
            "operator_clients",
            "operator_certification",
            "tls_listener",
        ),
    ],
)
def test_every_log_event_is_described(module: str) -> None:
    """The table has every event that the gateway logs."""
    source = (Path(acceptor.__file__).parent / f"{module}.py").read_text()
    pattern = (
        r'(?:log\.(?:info|warning|error|exception)\(|_note_end\(|_say\(child, )\s*"([a-zTLS, ]+)"'
    )
    events = set(re.findall(pattern, source))

    assert events
    assert events <= section("Log")
