"""Who may log on: the Logon(A) of a connection against the session files, cheapest check first.

1. A Logon(A) at all, and its CompIDs.
2. The session's own networks, whether it is enabled, its schedule, its certificate.
3. Whether its credential may be tried now: lock-out and back-off are the venue's state.
4. The password, which costs a tenth of a second on purpose and so waits for its turn in a queue
   and is verified in a worker thread; or the signature.
5. The one-time code, where the session file asks for one.

Up to 3 nothing counts, so nobody outside can lock anybody out.  Behind it a wrong password or code
is a LOGON_FAILED input; a code that was right once and is used up is a refusal and no guess.
A wrong signature counts nothing: nobody guesses one, and whoever sends some locks nobody out.
A wrong user name costs what a wrong password costs: the password is verified all the same.
From the last look at what is used up to the LOGON input nothing awaits, so that of parallel logons
with the same code one is admitted.

A refusal is a value with its cause for the log; the connection is told nothing.
"""

import enum
from collections.abc import Callable
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from attrs import field, frozen

from kk99fix.config.sessions import SessionFile
from kk99fix.fix import tables
from kk99fix.fix.message import Message
from kk99fix.gateway import signature, totp
from kk99fix.gateway.addresses import within
from kk99fix.gateway.certificate_rules import misfit
from kk99fix.gateway.current import Current
from kk99fix.gateway.hash_queue import AT_ONCE, HashQueue
from kk99fix.gateway.hash_threads import HashThreads
from kk99fix.gateway.logs import Log
from kk99fix.gateway.peer import Peer
from kk99fix.vault.seeds import SeedError, Seeds
from kk99fix.venue.credentials import CredentialKind, Credentials, Proof, Standing
from kk99fix.venue.inputs import LogonFailedInput
from kk99fix.venue.registry import Registry

NS_PER_S: Final = 1_000_000_000


class Refusal(enum.StrEnum):
    """Why a logon was refused; for the log and the operator only."""

    NOT_A_LOGON = "not-a-logon"
    MALFORMED = "malformed"
    UNKNOWN_SESSION = "unknown-session"
    NETWORK = "network"
    TLS_REQUIRED = "tls-required"
    NO_CERTIFICATE = "no-certificate"
    WRONG_CERTIFICATE = "wrong-certificate"
    DISABLED = "disabled"
    OUTSIDE_SCHEDULE = "outside-schedule"
    LOCKED = "locked"
    BACKED_OFF = "backed-off"
    BUSY = "too-many-logons"
    CREDENTIALS = "credentials"
    TOTP = "totp"
    TOTP_REUSED = "totp-reused"
    SEED = "totp-seed"
    SIGNATURE = "signature"
    SIGNATURE_TIME = "signature-time"
    CHANGED = "file-changed"
    LIVE = "session-is-live"


@frozen
class Admitted:
    """The session that a connection may be, and what proved it."""

    session: int
    comp_id: str
    #: None where the session file asks for nothing but its networks.
    proof: Proof | None = None


@frozen
class Clocks:
    """The two times that a logon is about."""

    #: UTC, for codes and signatures: the counterparty's clock knows no other.
    utc_ns: Callable[[], int]
    #: Venue time, for what is counted: inputs carry it.
    venue_ns: Callable[[], int]


@frozen
class Doors:
    """What of the gateway the authenticator asks and tells."""

    #: Changes nothing, so a stranger may cause it to be asked.
    in_period: Callable[[str], bool]
    #: Has the last word, and may bring a session to the present moment.
    is_open: Callable[[str], bool]
    #: Applies the input now and has it written.
    note_failure: Callable[[LogonFailedInput], None]


@frozen
class _Attempt:
    """One Logon(A) that has come as far as its credential."""

    message: Message
    peer: Peer
    file: SessionFile
    session: int


@frozen
class _Verified:
    """What the worker thread found."""

    matches: bool
    seed: bytes | None = field(default=None, repr=False)
    seed_error: str = ""


class Authenticator:
    """Checks first messages; one for the process."""

    def __init__(
        self,
        current: Current,
        registry: Registry,
        credentials: Credentials,
        seeds: Seeds,
        log: Log,
        *,
        clocks: Clocks,
        doors: Doors,
    ) -> None:
        """Take the session files, the ids that they got, and what is known of their credentials."""
        self._current = current
        self._registry = registry
        self._credentials = credentials
        self._seeds = seeds
        self._log = log
        self._clocks = clocks
        self._doors = doors
        self._hasher = PasswordHasher()
        self._queue = HashQueue()
        self._threads = HashThreads(AT_ONCE)

    def reachable_from(self, address: str) -> bool:
        """Whether some session may log on from this address."""
        return within(address, self._current.networks)

    @property
    def waiting(self) -> int:
        """How many passwords wait to be verified."""
        return self._queue.waiting

    async def admit(self, message: Message, peer: Peer) -> Admitted | Refusal:
        """Decide on the first message of a connection from `peer`."""
        found = self._find(message, peer)
        if isinstance(found, Refusal):
            return found
        proof = await self._prove(found)
        if isinstance(proof, Refusal):
            return proof
        comp_id = found.file.comp_id
        if self._current.session(comp_id) != found.file:
            return Refusal.CHANGED
        if not self._doors.is_open(comp_id):
            return Refusal.OUTSIDE_SCHEDULE
        return Admitted(found.session, comp_id, proof)

    # ------------------------------------------------------------------ who it may be

    def _find(self, message: Message, peer: Peer) -> _Attempt | Refusal:
        """Return the session that may log on from there now, by what costs nothing to check."""
        if message.msg_type != b"A" or message.get(8) != tables.BEGIN_STRING:
            return Refusal.NOT_A_LOGON
        if message.fault is not None:
            return Refusal.MALFORMED
        file = self._session_file(message)
        session = None if file is None else self._registry.session_id(file.comp_id)
        if file is None or session is None:
            return Refusal.UNKNOWN_SESSION
        if not within(peer.address, file.logon.allow_from):
            return Refusal.NETWORK
        unfit = misfit(file, peer)
        if unfit is not None:
            return Refusal(unfit)
        if not file.session.enabled:
            return Refusal.DISABLED
        if not self._doors.in_period(file.comp_id):
            return Refusal.OUTSIDE_SCHEDULE
        return _Attempt(message, peer, file, session)

    def _session_file(self, message: Message) -> SessionFile | None:
        sender, target = message.get(49) or b"", message.get(56) or b""
        file = self._current.session(sender.decode("ascii", "replace"))
        if file is None or file.session.target_comp_id.encode("ascii") != target:
            return None
        return file

    # ------------------------------------------------------------------ what it proves

    async def _prove(self, attempt: _Attempt) -> Proof | Refusal | None:
        """Return what proves the Logon(A); None where the file asks for nothing."""
        logon = attempt.file.logon
        if logon.public_key is not None:
            return self._check_signature(attempt, logon.public_key)
        if logon.password_hash is not None:
            return await self._check_password(attempt, logon.password_hash)
        return None

    def _may_not_try(self, attempt: _Attempt) -> Refusal | None:
        """Why a credential is not even looked at; None when it is."""
        kind, now_ns = CredentialKind.PASSWORD, self._clocks.venue_ns()
        match self._credentials.standing(attempt.session, kind, now_ns):
            case Standing.LOCKED:
                return Refusal.LOCKED
            case Standing.BACKED_OFF:
                return Refusal.BACKED_OFF
            case _:
                return None

    def _guessed_wrong(self, attempt: _Attempt, refusal: Refusal) -> Refusal:
        """Count a guess, which is an input."""
        kind, address = CredentialKind.PASSWORD, attempt.peer.address
        self._doors.note_failure(LogonFailedInput(attempt.session, kind, address, refusal.value))
        return refusal

    def _check_signature(self, attempt: _Attempt, key: str) -> Proof | Refusal:
        """Take a signature that is right, of now, and later than every one taken before."""
        message = attempt.message
        sent_ns = signature.signed_ns(message)
        window_ns = self._current.settings.venue.listen.signature_window_s * NS_PER_S
        if sent_ns is None or abs(sent_ns - self._clocks.utc_ns()) > window_ns:
            return Refusal.SIGNATURE_TIME
        known = _username(message) == attempt.file.logon.username
        if not signature.is_signed(message, key) or not known:
            return Refusal.SIGNATURE
        proof = Proof(CredentialKind.SIGNATURE, signed_ns=sent_ns)
        unused = self._credentials.is_unused(attempt.session, proof)
        return proof if unused else Refusal.SIGNATURE_TIME

    async def _check_password(self, attempt: _Attempt, expected_hash: str) -> Proof | Refusal:
        """Take a password, and a code where one is asked for, at the credential's turn."""
        refusal = self._may_not_try(attempt)
        if refusal is not None:
            return refusal
        if not await self._queue.enter(attempt.peer.address, attempt.file.comp_id):
            return Refusal.BUSY
        try:
            # Others may have guessed while this one waited.
            refusal = self._may_not_try(attempt)
            return refusal or await self._verify_password(attempt, expected_hash)
        finally:
            self._queue.leave(attempt.file.comp_id)

    async def _verify_password(self, attempt: _Attempt, expected_hash: str) -> Proof | Refusal:
        seed_name = attempt.file.logon.totp
        given = totp.given_password(attempt.message, with_code=seed_name is not None)
        if seed_name is not None and given.code is None:
            return Refusal.TOTP  # nothing was tried
        verified = await self._threads.run(
            self._verify_and_open, expected_hash, given.password, seed_name
        )
        if not verified.matches or _username(attempt.message) != attempt.file.logon.username:
            return self._guessed_wrong(attempt, Refusal.CREDENTIALS)
        if given.code is None:
            return Proof(CredentialKind.PASSWORD)
        if verified.seed is None:
            self._log.error(
                "seed not opened",
                session=attempt.file.comp_id,
                name=seed_name,
                reason=verified.seed_error,
            )
            return Refusal.SEED
        return self._check_code(attempt, verified.seed, given.code)

    def _check_code(self, attempt: _Attempt, seed: bytes, code: bytes) -> Proof | Refusal:
        """Take a code of now whose step is later than every one taken before."""
        last_step = self._credentials.last_totp_step(attempt.session)
        steps = totp.steps_of(seed, code, self._clocks.utc_ns(), last_step)
        if not steps:
            return self._guessed_wrong(attempt, Refusal.TOTP)
        proof = Proof(CredentialKind.PASSWORD, totp_step=steps[0])
        return proof if self._credentials.is_unused(attempt.session, proof) else Refusal.TOTP_REUSED

    def _verify_and_open(
        self, expected_hash: str, password: bytes, seed_name: str | None
    ) -> _Verified:
        """Verify a password and fetch the seed of its codes; in a worker thread."""
        if not self._verify(expected_hash, password):
            return _Verified(matches=False)
        if seed_name is None:
            return _Verified(matches=True)
        try:
            return _Verified(matches=True, seed=self._seeds.seed(seed_name))
        except SeedError as error:
            return _Verified(matches=True, seed_error=str(error))

    def _verify(self, expected_hash: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(expected_hash, password)
        except (VerifyMismatchError, InvalidHashError):
            return False  # any other failure, as one of memory, is ours and no guess


def _username(message: Message) -> str:
    return (message.get(553) or b"").decode("ascii", "replace")
