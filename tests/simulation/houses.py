"""The venue of a simulation in files: instruments, firms, and tens of sessions of every kind.

Files are the way in as they are for operations: a start reads them, and between two starts one of
them may have changed.
"""

import random
import re
from pathlib import Path

import attrs
from support.config_folder import ConfigFolder

from kk99fix.config.load import Settings
from kk99fix.gateway.reloader import Folders

ORDER_ENTRY = """[session]
sender_comp_id = "{name}"
target_comp_id = "KK99"
role = "order-entry"
firm = "{firm}"
accounts = {accounts}
dialect = "{dialect}"
timestamp_precision = "{precision}"
last_msg_seq_num_processed = {tells}

[logon]
reset_seq_num = "{resets}"
cancel_on_disconnect = {cancels}
cancel_grace_s = {grace}
cancel_on_logout = {on_logout}

[limits]
max_open_orders = {open_orders}
messages_per_second = {messages}
orders_per_second = {orders}
throttle_logout_after = {breaches}
{schedule}
"""
DESK = """[session]
sender_comp_id = "{name}"
target_comp_id = "KK99"
role = "drop-copy"
firm = "Compliance"
timestamp_precision = "{precision}"

[logon]
reset_seq_num = "allowed"

[drop_copy]
{scope}
"""
SCHEDULE = """
[schedule]
start = "17:20"
end = "16:50"
zone = "America/New_York"
reset = "daily"
"""
VENUE = {
    "orders = 1_000_000": "orders = 4000",
    "levels = 100_000": "levels = 2000",
    "duplicate_window = 4_000_000": "duplicate_window = 100_000",
    "sessions = 2048": "sessions = 64",
    "firms = 1024": "firms = 64",
    "accounts = 4096": "accounts = 64",
    "instruments = 1024": "instruments = 64",
    "max_connections = 1024": "max_connections = 64",
    "max_connections_per_address = 256": "max_connections_per_address = 64",
    "max_order_age_s = 30": "max_order_age_s = 20",
    "bytes_per_second = 67_108_864": "bytes_per_second = 65_536",
    "burst_bytes = 67_108_864": "burst_bytes = 65_536",
}
#: What a restart does to trading, in venue.toml.
OPEN = ('after_restart = "open"', "reopen_after_s = 0")
HALTED = ('after_restart = "halted"', "reopen_after_s = 25")
#: Send buffers of a size that a slow reader fills.
RING_BYTES = 16_384
#: Of the journal: so many that the keeper has something to do.
SEGMENT_BYTES = 262_144
FIRMS = 6
TRADERS = 20
GUEST = "T18"
#: Removed and disabled while the gateway runs.
LIVE_GUESTS = ("T05", "T11", GUEST)
SCHEDULED = ("T19", "T20")
DESKS = {
    "ALL": 'firms = ["*"]',
    "DESK1": 'firms = ["Firm 1", "Firm 2"]',
    "DESK2": 'accounts = ["F2A", "F3A"]',
    "DESK3": 'firms = ["Firm 5"]',
}


@attrs.define
class House:
    """The files of one simulated venue."""

    files: ConfigFolder
    dice: random.Random
    names: list[str] = attrs.field(factory=list)

    @classmethod
    def build(cls, root: Path, dice: random.Random, *, durable: bool) -> "House":
        """Write all files."""
        house = cls(ConfigFolder(root), dice)
        for path in house.files.sessions.glob("*.toml"):
            path.unlink()
        house.files.write("config/risk.toml", '[default]\nprice_band_percent = "10"\n')
        level = {} if durable else {'durability = "durable"': 'durability = "process"'}
        for old, new in (VENUE | level).items():
            house.files.replace("config/venue.toml", old, new)
        for number in range(1, TRADERS + 1):
            house.write_trader(number)
        for name, scope in DESKS.items():
            precision = dice.choice(["seconds", "milliseconds", "microseconds"])
            text = DESK.format(name=name, scope=scope, precision=precision)
            house.files.write(f"sessions/{name}.toml", text)
            house.names.append(name)
        return house

    def write_trader(self, number: int) -> None:
        """Write one order-entry session's file."""
        dice, name = self.dice, f"T{number:02}"
        firm = number % FIRMS + 1
        accounts = [f"F{firm}A"] if dice.random() < 0.5 else [f"F{firm}A", f"F{firm}B"]
        cancels = dice.random() < 0.6
        scheduled = name in SCHEDULED
        fast = number % 5 == 0
        text = ORDER_ENTRY.format(
            name=name,
            firm=f"Firm {firm}",
            accounts=str(accounts).replace("'", '"'),
            dialect=dice.choice(["fix44", "kk99"]),
            precision=dice.choice(["seconds", "milliseconds", "microseconds"]),
            tells=str(dice.random() < 0.3).lower(),
            resets="at-session-start" if scheduled else "allowed",
            cancels=str(cancels).lower(),
            grace=dice.choice([0, 0, 3, 20]) if cancels else 0,
            on_logout=str(cancels and dice.random() < 0.4).lower(),
            open_orders=dice.choice([8, 30, 100_000]),
            messages=12 if fast else 0,
            orders=8 if fast else 0,
            breaches=dice.choice([0, 3]) if fast else 0,
            schedule=SCHEDULE if scheduled else "",
        )
        self.files.write(f"sessions/{name}.toml", text)
        if name not in self.names:
            self.names.append(name)

    def change(self) -> None:
        """Change something that a venue takes over at a start."""
        what = self.dice.randrange(4)
        guest = self.files.sessions / f"{GUEST}.toml"
        if what == 0 and guest.exists():
            guest.rename(guest.with_suffix(".away"))
        elif what == 0:
            guest.with_suffix(".away").rename(guest)
        elif what == 1:
            band = self.dice.choice([2, 5, 10])
            text = f'[default]\nprice_band_percent = "{band}"\nmax_order_qty = "800"\n'
            self.files.write("config/risk.toml", text)
        elif what == 2:
            path = self.files.config / "venue.toml"
            text = path.read_text()
            for one, other in (OPEN, HALTED), (HALTED, OPEN):
                if one[0] in text:
                    path.write_text(text.replace(one[0], other[0]).replace(one[1], other[1]))
                    break

    def change_live(self) -> None:
        """Change something that a gateway takes over while it runs."""
        what = self.dice.randrange(6)
        if what == 0:
            self.dice.choice([self._take_away, self._disable])(self.dice.choice(LIVE_GUESTS))
        elif what == 1:
            band = self.dice.choice([5, 10])
            self.files.write("config/risk.toml", f'[default]\nprice_band_percent = "{band}"\n')
        elif what == 2:
            firms = sorted({f"Firm {self.dice.randint(1, FIRMS)}" for _ in range(2)})
            self._edit("DESK3", "firms = .*", f"firms = {firms}".replace("'", '"'))
        else:
            limit = self.dice.choice([2, 8, 30, 100_000])
            name = f"T{self.dice.randint(1, TRADERS):02}"
            self._edit(name, "max_open_orders = .*", f"max_open_orders = {limit}")

    def _take_away(self, name: str) -> None:
        """Remove a session's file, or put it back."""
        path = self.files.sessions / f"{name}.toml"
        away = path.with_suffix(".away")
        if path.exists():
            path.rename(away)
        else:
            away.rename(path)

    def _disable(self, name: str) -> None:
        """Disable a session, or enable it again."""
        path = self.files.sessions / f"{name}.toml"
        off = "enabled = false\n"
        if path.exists() and off in path.read_text():
            self._edit(name, off, "")
        else:
            self._edit(name, "role =", f"{off}role =")

    def _edit(self, name: str, old: str, new: str) -> None:
        path = self.files.sessions / f"{name}.toml"
        if path.exists():
            path.write_text(re.sub(old, new, path.read_text(), count=1))

    @property
    def folders(self) -> Folders:
        """Where the files are."""
        return Folders(self.files.config, self.files.sessions)

    def has(self, name: str) -> bool:
        """Whether the session's file is there and lets it log on."""
        path = self.files.sessions / f"{name}.toml"
        return path.exists() and "enabled = false" not in path.read_text()

    def settings(self) -> Settings:
        """What a start reads, with send buffers and segments smaller than the files may say."""
        settings = self.files.load()
        venue = settings.venue
        capacity = attrs.evolve(venue.capacity, ring_bytes=RING_BYTES)
        journal = attrs.evolve(venue.journal, segment_bytes=SEGMENT_BYTES)
        return attrs.evolve(settings, venue=attrs.evolve(venue, capacity=capacity, journal=journal))
