"""Tempers of counterparties: how often each kind does what, and how much of it."""

import attrs


@attrs.frozen
class Temper:
    """One kind of counterparty; the names of `deeds` are methods of `Counterparty`."""

    name: str
    #: Seconds between two deeds, about.
    pause_s: float
    deeds: dict[str, float]
    #: How likely a frame of its own never leaves it, or leaves twice.
    loses: float = 0.0
    #: How much it reads at once, and how long it waits between two reads; 0 reads at once.
    reads_bytes: int = 0
    reads_every_s: float = 0.0


_COMMON = {
    "test": 0.3,
    "ask": 0.3,
    "drop": 0.12,
    "log_out": 0.08,
    "die": 0.03,
    "knock": 0.1,
}
MAKER = Temper("maker", 3, {"make": 10, "replace": 12, "cancel": 4, "status": 1, **_COMMON})
TAKER = Temper("taker", 5, {"take": 10, "make": 1, "cancel": 1, "burst": 1, **_COMMON})
CANCELLER = Temper("canceller", 3, {"make": 8, "cancel": 9, "mass_status": 1, **_COMMON})
RUNNER = Temper("runner", 6, {"burst": 5, "make": 2, "cancel": 2, **_COMMON})
SLOW = Temper(
    "slow",
    7,
    {"make": 5, "take": 5, "mass_status": 6, "burst": 2, "ask": 2, **_COMMON},
    reads_bytes=900,
    reads_every_s=0.7,
)
LOSSY = Temper(
    "lossy",
    5,
    {"make": 6, "take": 4, "cancel": 2, "swap": 1, "again": 2, "skip": 1, **_COMMON},
    loses=0.05,
)
FORGETFUL = Temper(
    "forgetful",
    6,
    {"make": 6, "take": 4, "reset": 0.4, "forget": 0.8, "jump": 0.3, **_COMMON, "drop": 0.5},
)
RUDE = Temper(
    "rude",
    5,
    {"make": 6, "take": 4, "garble": 2, "double": 1, "wrong": 2, "rude": 0.2, **_COMMON},
)
LEAVER = Temper(
    "leaver",
    6,
    {"make": 9, "take": 2, **_COMMON, "drop": 1.2, "log_out": 1, "die": 0.2},
)
DESK = Temper("desk", 20, {"test": 1, "ask": 1, "drop": 0.3, "log_out": 0.2, "die": 0.05})
SLOW_DESK = attrs.evolve(DESK, name="slow desk", reads_bytes=1500, reads_every_s=0.5)
TRADERS = (MAKER, TAKER, CANCELLER, RUNNER, SLOW, LOSSY, FORGETFUL, RUDE, LEAVER, MAKER)
