"""Who may log on: the Logon(A) of a connection against the session files, cheapest check first.

The order: a Logon at all, its CompIDs, the session's own networks and schedule, then the password.
argon2id takes tens of milliseconds on purpose, so it runs in a worker thread under a limiter, and
no more than a few may wait for it.
A wrong user name costs the same as a wrong password: the password is verified all the same.

A refusal is a value with its cause for the log; the connection is told nothing.
"""

import enum
from collections.abc import Callable
from typing import Final

import trio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from attrs import frozen

from kk99fix.config.sessions import SessionFile
from kk99fix.fix import tables
from kk99fix.fix.message import Message
from kk99fix.gateway.addresses import within
from kk99fix.gateway.current import Current
from kk99fix.gateway.peer import Peer
from kk99fix.venue.registry import Registry

HASHES_AT_ONCE: Final = 2
HASHES_WAITING: Final = 32


class Refusal(enum.StrEnum):
    """Why a logon was refused; for the log and the operator only."""

    NOT_A_LOGON = "not-a-logon"
    MALFORMED = "malformed"
    UNKNOWN_SESSION = "unknown-session"
    NETWORK = "network"
    DISABLED = "disabled"
    OUTSIDE_SCHEDULE = "outside-schedule"
    LIVE = "session-is-live"
    CREDENTIALS = "credentials"
    BUSY = "too-many-logons"
    CHANGED = "file-changed"


@frozen
class Admitted:
    """The session that a connection may be."""

    session: int
    comp_id: str


class Authenticator:
    """Checks first messages; one for the process."""

    def __init__(
        self,
        current: Current,
        registry: Registry,
        *,
        in_period: Callable[[str], bool],
        is_open: Callable[[str], bool],
    ) -> None:
        """Take the session files, the ids that they got, and what knows their schedules.

        `in_period` changes nothing, so a stranger may cause it to be asked; `is_open` has the last
        word, and may bring the session to the present moment.
        """
        self._current = current
        self._registry = registry
        self._in_period = in_period
        self._is_open = is_open
        self._hasher = PasswordHasher()
        self._limiter = trio.CapacityLimiter(HASHES_AT_ONCE)
        self._waiting = 0

    def reachable_from(self, address: str) -> bool:
        """Whether some session may log on from this address."""
        return within(address, self._current.networks)

    async def admit(self, message: Message, peer: Peer) -> Admitted | Refusal:
        """Decide on the first message of a connection from `peer`."""
        if message.msg_type != b"A" or message.get(8) != tables.BEGIN_STRING:
            return Refusal.NOT_A_LOGON
        if message.fault is not None:
            return Refusal.MALFORMED
        file = self._session_file(message)
        if file is None:
            return Refusal.UNKNOWN_SESSION
        if not within(peer.address, file.logon.allow_from):
            return Refusal.NETWORK
        if not file.session.enabled:
            return Refusal.DISABLED
        if not self._in_period(file.comp_id):
            return Refusal.OUTSIDE_SCHEDULE
        refusal = await self._check_password(message, file)
        if refusal is not None:
            return refusal
        if self._current.session(file.comp_id) is not file:
            return Refusal.CHANGED
        if not self._is_open(file.comp_id):
            return Refusal.OUTSIDE_SCHEDULE
        session = self._registry.session_id(file.comp_id)
        return Refusal.UNKNOWN_SESSION if session is None else Admitted(session, file.comp_id)

    def _session_file(self, message: Message) -> SessionFile | None:
        sender, target = message.get(49) or b"", message.get(56) or b""
        file = self._current.session(sender.decode("ascii", "replace"))
        if file is None or file.session.target_comp_id.encode("ascii") != target:
            return None
        return file

    async def _check_password(self, message: Message, file: SessionFile) -> Refusal | None:
        expected_hash = file.logon.password_hash
        if expected_hash is None:
            return None
        if self._waiting >= HASHES_WAITING:
            return Refusal.BUSY
        username = (message.get(553) or b"").decode("ascii", "replace")
        known = file.logon.username is None or username == file.logon.username
        self._waiting += 1
        try:
            matches = await trio.to_thread.run_sync(
                self._verify,
                expected_hash,
                message.get(554) or b"",
                limiter=self._limiter,
            )
        finally:
            self._waiting -= 1
        return None if known and matches else Refusal.CREDENTIALS

    def _verify(self, expected_hash: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(expected_hash, password)
        except (VerificationError, InvalidHashError):
            return False
