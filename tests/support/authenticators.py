"""An authenticator over files of a test, and everything that it asks and tells."""

import json
from collections.abc import Callable

import attrs
from argon2 import PasswordHasher

from kk99fix.config.resolve import resolve
from kk99fix.gateway.authentication import Authenticator, Clocks, Doors
from kk99fix.gateway.current import Current
from kk99fix.venue.credentials import Credentials
from kk99fix.venue.inputs import LogonFailedInput
from kk99fix.venue.registry import Registry
from support.config_folder import ConfigFolder
from support.live_gateway import LogLines
from support.proofs import FakeSeeds

NOW_NS = 1_790_000_000_000_000_000
SEED = b"a seed of 20 bytes.."
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@attrs.define
class Known:
    """What an authenticator is told and tells."""

    now_ns: int = NOW_NS
    utc_ns: int = NOW_NS
    seeds: FakeSeeds = attrs.field(factory=lambda: FakeSeeds({"seed1": SEED}))
    credentials: Credentials = attrs.field(factory=Credentials)
    failures: list[LogonFailedInput] = attrs.field(factory=list)
    logged: LogLines = attrs.field(factory=LogLines)
    current: Current | None = None

    def note_failure(self, item: LogonFailedInput) -> None:
        """Count it as the venue does."""
        self.failures.append(item)
        self.credentials.failed(item.session, item.credential, self.now_ns)


def over(
    files: ConfigFolder,
    known: Known,
    *,
    in_period: Callable[[str], bool] = lambda _: True,
    is_open: Callable[[str], bool] = lambda _: True,
) -> Authenticator:
    """An authenticator over these files."""
    settings = files.load()
    registry = Registry()
    content = registry.plan(resolve(settings))
    registry.content = json.loads(content)
    registry.ids = registry.content["ids"]
    known.current = Current(settings)
    return Authenticator(
        known.current,
        registry,
        known.credentials,
        known.seeds,
        known.logged.log,
        clocks=Clocks(utc_ns=lambda: known.utc_ns, venue_ns=lambda: known.now_ns),
        doors=Doors(in_period, is_open, known.note_failure),
    )
