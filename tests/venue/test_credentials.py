"""Codes that are used up, back-off and lock-out: state of the venue, changed by inputs alone."""

import json
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support.small_venue import CAPACITY, configuration
from support.snapshots import restored, taken
from support.venue_desk import VenueDesk, logon_input

from kk99fix.venue.credentials import (
    DAY_NS,
    FREE_FAILURES,
    GUESSES_A_DAY,
    LONGEST_WAIT_NS,
    NS_PER_S,
    CredentialKind,
    Credentials,
    Proof,
    Standing,
)
from kk99fix.venue.inputs import LogonFailedInput
from kk99fix.venue.session_commands import UnlockInput

PASSWORD, SIGNATURE = CredentialKind.PASSWORD, CredentialKind.SIGNATURE
START_NS = 1_790_000_000 * NS_PER_S
SESSIONS = st.sampled_from([1, 2])
KINDS = st.sampled_from(CredentialKind)


def guess_for(credentials: Credentials, span_ns: int, pause_ns: int) -> list[int]:
    """When a guesser who tries whenever it may gets to, over a time."""
    guesses, now_ns = [], START_NS
    while now_ns < START_NS + span_ns:
        if credentials.standing(3, PASSWORD, now_ns) is Standing.OPEN:
            credentials.failed(3, PASSWORD, now_ns)
            guesses.append(now_ns)
        now_ns += pause_ns
    return guesses


def most_in_a_day(guesses: list[int]) -> int:
    """The most guesses that any 24 hours had."""
    return max(
        sum(1 for other in guesses[first:] if other < at_ns + DAY_NS)
        for first, at_ns in enumerate(guesses)
    )


@pytest.mark.parametrize("pause_s", [1, 37, 600, 1800])
def test_thirty_days_of_guessing(pause_s: int) -> None:
    """No 24 hours have more than fifty guesses, however patient whoever guesses is."""
    guesses = guess_for(Credentials(), 30 * DAY_NS, pause_s * NS_PER_S)

    assert 30 <= most_in_a_day(guesses) <= GUESSES_A_DAY
    assert len(guesses) <= 31 * GUESSES_A_DAY


def test_successes_in_between_give_no_guesses_back() -> None:
    """Whoever guesses while the rightful user logs on all day has no more than fifty a day."""
    credentials, guesses = Credentials(), []
    for minute in range(3 * 24 * 60):
        now_ns = START_NS + minute * 60 * NS_PER_S
        credentials.succeeded(3, Proof(PASSWORD), now_ns)
        if credentials.standing(3, PASSWORD, now_ns) is Standing.OPEN:
            credentials.failed(3, PASSWORD, now_ns)
            guesses.append(now_ns)

    assert most_in_a_day(guesses) == GUESSES_A_DAY


def test_each_failure_doubles_the_wait() -> None:
    """The first ones cost nothing; the waits double from a second to ten minutes."""
    credentials, now_ns, waits = Credentials(), START_NS, []
    for _ in range(GUESSES_A_DAY - 1):
        credentials.failed(3, PASSWORD, now_ns)
        (status,) = credentials.status(now_ns)
        due_ns = now_ns if status.open_at_ns is None else status.open_at_ns
        waits.append((due_ns - now_ns) // NS_PER_S)
        now_ns = due_ns

    longest_s = LONGEST_WAIT_NS // NS_PER_S
    doubling = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert waits[: FREE_FAILURES + 10] == [0] * FREE_FAILURES + doubling
    assert set(waits[FREE_FAILURES + 10 :]) == {longest_s}


def test_a_lock_ends_a_day_after_the_oldest_failure() -> None:
    """Until then nothing is tried; then one guess is free again."""
    credentials = Credentials()
    for second in range(GUESSES_A_DAY):
        credentials.failed(3, PASSWORD, START_NS + second * NS_PER_S)
    now_ns = START_NS + 3600 * NS_PER_S

    (status,) = credentials.status(now_ns)
    assert status.standing is Standing.LOCKED
    assert status.failures_of_day == GUESSES_A_DAY
    assert status.open_at_ns == START_NS + DAY_NS
    assert credentials.standing(3, PASSWORD, START_NS + DAY_NS - 1) is Standing.LOCKED
    assert credentials.standing(3, PASSWORD, START_NS + DAY_NS) is Standing.OPEN
    assert credentials.standing(4, PASSWORD, now_ns) is Standing.OPEN, "another session"
    assert credentials.standing(3, SIGNATURE, now_ns) is Standing.OPEN, "another credential"


def test_an_operator_lifts_a_lock() -> None:
    """The failures of that session are forgotten, and what is used up stays used up."""
    credentials, proof = Credentials(), Proof(PASSWORD, totp_step=100)
    credentials.succeeded(3, proof, START_NS)
    for session in (3, 4):
        for _ in range(GUESSES_A_DAY):
            credentials.failed(session, PASSWORD, START_NS)
    credentials.unlock(3)

    assert credentials.standing(3, PASSWORD, START_NS) is Standing.OPEN
    assert credentials.standing(4, PASSWORD, START_NS) is Standing.LOCKED
    assert not credentials.is_unused(3, proof)


@pytest.mark.parametrize("field", ["totp_step", "signed_ns"])
def test_what_is_used_is_used_up(field: str) -> None:
    """Only what is later than everything accepted before may be accepted; else it is our fault."""
    kind = PASSWORD if field == "totp_step" else SIGNATURE
    credentials = Credentials()
    credentials.succeeded(3, Proof(kind, **{field: 100}), START_NS)
    for used in (1, 99, 100):
        assert not credentials.is_unused(3, Proof(kind, **{field: used}))
        with pytest.raises(AssertionError, match="accepted once"):
            credentials.succeeded(3, Proof(kind, **{field: used}), START_NS)

    assert credentials.is_unused(3, Proof(kind, **{field: 101}))
    assert credentials.is_unused(4, Proof(kind, **{field: 100}))


@attrs.define
class Naive:
    """One credential as one would write it down: everything that ever happened to it."""

    failures_ns: list[int] = attrs.field(factory=list)
    in_a_row: int = 0
    used: list[int] = attrs.field(factory=list)

    def standing(self, now_ns: int) -> Standing:
        """Whether it may be tried, from the whole history."""
        recent = [at_ns for at_ns in self.failures_ns if at_ns > now_ns - DAY_NS]
        if len(recent) >= GUESSES_A_DAY:
            return Standing.LOCKED
        row = min(self.in_a_row, len(recent))
        if row > FREE_FAILURES:
            wait_ns = min(NS_PER_S * 2 ** (row - FREE_FAILURES - 1), LONGEST_WAIT_NS)
            if now_ns < recent[-1] + wait_ns:
                return Standing.BACKED_OFF
        return Standing.OPEN


class AgainstNaive(RuleBasedStateMachine):
    """Random guesses, logons, unlocks and snapshots of two sessions; both have to agree."""

    def __init__(self) -> None:
        """Begin with nobody known."""
        super().__init__()
        self.credentials = Credentials()
        self.naive = {(s, kind): Naive() for s in (1, 2) for kind in CredentialKind}
        self.now_ns = START_NS

    @rule(hours=st.sampled_from([0.0, 0.0001, 0.001, 0.01, 0.2, 1, 11.9, 24]))
    def time_passes(self, hours: float) -> None:
        """From a third of a second to a day."""
        self.now_ns += round(hours * 3600 * NS_PER_S)

    @rule(session=SESSIONS, kind=KINDS, times=st.integers(1, 30))
    def guess(self, session: int, kind: CredentialKind, times: int) -> None:
        """Tries whenever it may, up to so often."""
        naive = self.naive[session, kind]
        for _ in range(times):
            if self.credentials.standing(session, kind, self.now_ns) is Standing.OPEN:
                self.credentials.failed(session, kind, self.now_ns)
                naive.failures_ns.append(self.now_ns)
                naive.in_a_row += 1
            self.now_ns += NS_PER_S

    @rule(session=SESSIONS, kind=KINDS, step=st.integers(1, 40))
    def log_on(self, session: int, kind: CredentialKind, step: int) -> None:
        """With a code or a time that may have been used."""
        naive = self.naive[session, kind]
        proof = Proof(kind, totp_step=step) if kind is PASSWORD else Proof(kind, signed_ns=step)
        unused = self.credentials.is_unused(session, proof)
        assert unused is all(step > used for used in naive.used)
        if unused:
            self.credentials.succeeded(session, proof, self.now_ns)
            naive.used.append(step)
            naive.in_a_row = 0

    @rule(session=SESSIONS)
    def unlock(self, session: int) -> None:
        """An operator lifts whatever there is."""
        self.credentials.unlock(session)
        for kind in CredentialKind:
            self.naive[session, kind].failures_ns.clear()
            self.naive[session, kind].in_a_row = 0

    @rule()
    def restart(self) -> None:
        """From a snapshot."""
        saved = json.loads(json.dumps(self.credentials.saved()))
        self.credentials = Credentials()
        self.credentials.restore(saved)

    @invariant()
    def agree(self) -> None:
        """On who may guess now, and what an operator is told."""
        told = {(s.session, s.kind): s for s in self.credentials.status(self.now_ns)}
        for key, naive in self.naive.items():
            standing = naive.standing(self.now_ns)
            assert self.credentials.standing(*key, self.now_ns) is standing
            if key in told:
                assert told[key].standing is standing
                assert (told[key].open_at_ns is None) is (standing is Standing.OPEN)
        for _, _, state in self.credentials.saved():
            assert len(state["failures_ns"]) <= GUESSES_A_DAY


TestAgainstNaive = AgainstNaive.TestCase
TestAgainstNaive.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.fixture
def desk() -> Iterator[VenueDesk]:
    """A venue in which credentials were used, tried in vain and lifted."""
    desk = VenueDesk()
    alpha, beta = desk.id("ALPHA"), desk.id("BETA")
    for step in (100, 101):
        assert desk.engine.attach(alpha)
        raw = desk.build("ALPHA", "A", "98=0|108=30|")
        desk.apply(attrs.evolve(logon_input(alpha, raw), proof=Proof(PASSWORD, totp_step=step)))
        desk.drop("ALPHA")
    for _ in range(GUESSES_A_DAY):
        desk.now_ns += NS_PER_S
        desk.apply(LogonFailedInput(alpha, PASSWORD, "192.0.2.1", "credentials"))
        desk.apply(LogonFailedInput(beta, SIGNATURE, "192.0.2.2", "signature"))
    desk.apply(UnlockInput(beta))
    desk.apply(LogonFailedInput(beta, SIGNATURE, "192.0.2.2", "signature"))
    yield desk
    desk.close()


def test_inputs_change_it(desk: VenueDesk) -> None:
    """A LOGON uses its code up, LOGON_FAILED counts, `unlock` lifts."""
    alpha, beta = desk.venue.credentials.status(desk.now_ns)

    assert (alpha.standing, alpha.last_totp_step) == (Standing.LOCKED, 101)
    assert desk.venue.credentials.held(desk.now_ns) == {"locked": 1, "backed-off": 0}
    assert (beta.standing, beta.failures_of_day) == (Standing.OPEN, 1)


def test_replay_and_snapshot_bring_it_back(desk: VenueDesk) -> None:
    """Both give the same state, by its hash too."""
    replayed, _ = desk.replayed()
    read = restored(taken(desk.venue), CAPACITY)

    for venue in (replayed.venue, read):
        assert venue.credentials.saved() == desk.venue.credentials.saved()
        assert venue.state_hash() == desk.venue.state_hash()


def test_the_hash_covers_it(desk: VenueDesk) -> None:
    """Two venues that differ in a credential alone have different hashes."""
    before = desk.venue.state_hash()
    read = restored(taken(desk.venue), CAPACITY)
    read.credentials.failed(desk.id("BETA"), SIGNATURE, desk.now_ns)

    assert read.engine.state_hash() == desk.engine.state_hash()
    assert read.state_hash() != before


def test_a_snapshot_of_before_credentials_were_counted(desk: VenueDesk) -> None:
    """It is read as one in which nobody ever tried, and its hash is the core's."""
    snapshot = taken(desk.venue)
    state = json.loads(snapshot.state)
    del state["credentials"]
    read = restored(attrs.evolve(snapshot, state=json.dumps(state).encode()), CAPACITY)

    assert read.credentials.saved() == []
    assert read.state_hash() == read.engine.state_hash()


def test_a_session_that_goes_and_comes_back(desk: VenueDesk) -> None:
    """The removal of its file lifts no lock and gives no code back."""
    before = desk.venue.credentials.saved()
    without = configuration()
    del without["sessions"]["ALPHA"]
    desk.configure(without)
    desk.configure(configuration())

    assert desk.venue.credentials.saved() == before
    now_ns, used = desk.now_ns, Proof(PASSWORD, totp_step=101)
    assert desk.venue.credentials.standing(desk.id("ALPHA"), PASSWORD, now_ns) is Standing.LOCKED
    assert not desk.venue.credentials.is_unused(desk.id("ALPHA"), used)
