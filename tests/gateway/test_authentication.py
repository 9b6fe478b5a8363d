import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest
import trio
import trio.testing
from argon2.exceptions import VerificationError
from support.authenticators import CHEAP, Known, over
from support.config_folder import ConfigFolder
from support.frames import frame

from kk99fix.fix.split import split
from kk99fix.gateway import hash_queue
from kk99fix.gateway.authentication import Admitted, Authenticator, Refusal
from kk99fix.gateway.peer import Peer
from kk99fix.venue.credentials import GUESSES_A_DAY, CredentialKind
from kk99fix.venue.inputs import LogonFailedInput


def make(
    folder: Path,
    *,
    allow_from: str = '"127.0.0.0/8"',
    in_period: Callable[[str], bool] = lambda _: True,
    is_open: Callable[[str], bool] = lambda _: True,
    known: Known | None = None,
) -> Authenticator:
    """An authenticator over the shipped sessions; BROKER1 has user b1, password right."""
    files = ConfigFolder(folder)
    hashed = CHEAP.hash("right")
    files.replace(
        "sessions/BROKER1.toml",
        "[logon]",
        f'[logon]\nusername = "b1"\npassword_hash = "{hashed}"',
    )
    files.replace("sessions/BROKER2.toml", '"127.0.0.0/8", "::1/128"', allow_from)
    return over(files, known or Known(), in_period=in_period, is_open=is_open)


@pytest.fixture
def authenticator(tmp_path: Path) -> Authenticator:
    """The usual one."""
    return make(tmp_path)


async def admit(
    authenticator: Authenticator,
    more: str = "553=b1|554=right|",
    *,
    comp_id: str = "BROKER1",
    target: str = "KK99",
    msg_type: str = "A",
    address: str = "127.0.0.1",
) -> Admitted | Refusal:
    """Decide on a first message."""
    header = f"49={comp_id}|56={target}|34=1|52=20261122-10:00:00.000|"
    message = split(frame(msg_type, f"98=0|108=30|{more}", header))
    return await authenticator.admit(message, Peer(address))


async def test_the_right_password_is_admitted(authenticator: Authenticator) -> None:
    """Then the session's id and name are given."""
    admitted = await admit(authenticator)

    assert isinstance(admitted, Admitted)
    assert admitted.comp_id == "BROKER1"


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ("", Refusal.CREDENTIALS),
        ("553=b1|", Refusal.CREDENTIALS),
        ("554=right|", Refusal.CREDENTIALS),
        ("553=b1|554=wrong|", Refusal.CREDENTIALS),
        ("553=b2|554=right|", Refusal.CREDENTIALS),
        ("553=B1|554=right|", Refusal.CREDENTIALS),
        ("553=b1|554=right |", Refusal.CREDENTIALS),
        ("96=x|", Refusal.MALFORMED),
    ],
)
async def test_wrong_credentials(authenticator: Authenticator, more: str, refusal: Refusal) -> None:
    """Anything but that user with that password is refused."""
    assert await admit(authenticator, more) is refusal


async def test_a_password_that_could_not_be_verified_is_no_guess(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where argon2id finds no memory that is our fault, and nobody is locked out for it."""
    known = Known()
    authenticator = make(tmp_path, known=known)

    def without_memory(*_: object) -> bool:
        raise VerificationError("Memory allocation error")

    monkeypatch.setattr(authenticator, "_hasher", SimpleNamespace(verify=without_memory))
    with pytest.raises(VerificationError):
        await admit(authenticator)

    assert known.failures == []


async def test_a_disabled_session_is_refused_from_its_networks(tmp_path: Path) -> None:
    """With a cause of its own, and before its password costs anything."""
    files = ConfigFolder(tmp_path)
    files.replace("sessions/BROKER1.toml", "role =", "enabled = false\nrole =")
    authenticator = over(files, Known())

    assert await admit(authenticator) is Refusal.DISABLED
    assert await admit(authenticator, address="10.0.0.1") is Refusal.NETWORK


async def test_a_file_that_changes_meanwhile_is_not_what_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password takes its time; a network that is withdrawn then must not be used any more."""
    files = ConfigFolder(tmp_path)
    hashed = CHEAP.hash("right")
    secrets = f'[logon]\nusername = "b1"\npassword_hash = "{hashed}"'
    files.replace("sessions/BROKER1.toml", "[logon]", secrets)
    known = Known()
    authenticator = over(files, known)
    current = known.current
    assert current is not None
    verifications = Verifications()
    monkeypatch.setattr(authenticator, "_verify", verifications.verify)
    verdicts = []

    async def ask() -> None:
        verdicts.append(await admit(authenticator))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        files.replace("sessions/BROKER1.toml", '"127.0.0.0/8"', '"10.0.0.0/8"')
        current.update({"BROKER1": files.load().session("BROKER1")})
        verifications.let_go.set()

    assert verdicts == [Refusal.CHANGED]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"comp_id": "NOBODY"}, Refusal.UNKNOWN_SESSION),
        ({"comp_id": "../BROKER1"}, Refusal.UNKNOWN_SESSION),
        ({"comp_id": "broker1"}, Refusal.UNKNOWN_SESSION),
        ({"target": "KK98"}, Refusal.UNKNOWN_SESSION),
        ({"msg_type": "D"}, Refusal.NOT_A_LOGON),
        ({"address": "10.0.0.1"}, Refusal.NETWORK),
    ],
)
async def test_cheap_checks_come_first(
    authenticator: Authenticator,
    changes: dict[str, str],
    refusal: Refusal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is nobody, or comes from elsewhere, costs no password hash."""
    monkeypatch.setattr(authenticator, "_verify", lambda *_: pytest.fail("hashed"))

    assert await admit(authenticator, **changes) is refusal


@pytest.mark.parametrize(
    ("allow_from", "address", "admitted"),
    [
        ('"10.1.0.0/16"', "10.1.2.3", True),
        ('"10.1.0.0/16"', "10.2.2.3", False),
        ('"10.1.0.0/16"', "::ffff:10.1.2.3", True),
        ('"10.1.0.0/16"', "::ffff:10.2.2.3", False),
        ('"::1/128"', "::1", True),
        ('"2001:db8::/32"', "2001:db8::7", True),
        ('"2001:db8::/32"', "127.0.0.1", False),
        ('"fe80::/10"', "fe80::1%eth0", True),
    ],
)
async def test_networks(tmp_path: Path, allow_from: str, address: str, *, admitted: bool) -> None:
    """An address is within its networks or not; an IPv4-mapped one counts as IPv4."""
    authenticator = make(tmp_path, allow_from=allow_from)

    verdict = await admit(authenticator, "", comp_id="BROKER2", address=address)

    assert isinstance(verdict, Admitted) is admitted
    assert authenticator.reachable_from(address) or not admitted


def test_addresses_of_nobody_are_not_reachable(authenticator: Authenticator) -> None:
    """An address that no session allows is known before a byte is read."""
    assert authenticator.reachable_from("127.0.0.1")
    assert authenticator.reachable_from("::ffff:127.0.0.1")
    assert not authenticator.reachable_from("192.0.2.1")


@attrs.define
class Verifications:
    """Stands for the hash: counts calls and threads, and waits until it is let go."""

    let_go: threading.Event = attrs.field(factory=threading.Event)
    begun: threading.Semaphore = attrs.field(factory=lambda: threading.Semaphore(0))
    threads: set[str] = attrs.field(factory=set)
    passwords: list[bytes] = attrs.field(factory=list)
    at_once: int = 0
    at_once_max: int = 0
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def verify(self, _hash: str, password: bytes) -> bool:
        """Take part."""
        with self.lock:
            self.threads.add(threading.current_thread().name)
            self.passwords.append(password)
            self.at_once += 1
            self.at_once_max = max(self.at_once_max, self.at_once)
        self.begun.release()
        self.let_go.wait(10)
        with self.lock:
            self.at_once -= 1
        return password == b"right"


async def test_hashes_run_in_threads_a_few_at_a_time(
    authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One credential is verified once at a time, a bounded number waits, the rest is refused."""
    verifications = Verifications()
    monkeypatch.setattr(authenticator, "_verify", verifications.verify)
    verdicts: list[Admitted | Refusal] = []

    async def one() -> None:
        verdicts.append(await admit(authenticator))

    async with trio.open_nursery() as nursery:
        for _ in range(1 + hash_queue.WAITING_MAX + 5):
            nursery.start_soon(one)
        await trio.testing.wait_all_tasks_blocked()
        assert verdicts == [Refusal.BUSY] * 5
        verifications.let_go.set()

    assert verifications.at_once_max == 1
    assert threading.main_thread().name not in verifications.threads
    assert sum(isinstance(each, Admitted) for each in verdicts) == 1 + hash_queue.WAITING_MAX


async def test_sessions_are_verified_beside_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once, and never more, though a task that waited for one may have been cancelled."""
    files = ConfigFolder(tmp_path)
    names = ("BROKER1", "BROKER2", "DROPCOPY1")
    for name in names:
        text = f'[logon]\nusername = "b1"\npassword_hash = "{CHEAP.hash("right")}"'
        files.replace(f"sessions/{name}.toml", "[logon]", text)
    authenticator = over(files, Known())
    verifications = Verifications()
    monkeypatch.setattr(authenticator, "_verify", verifications.verify)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(admit, authenticator)
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as given_up:
                given_up.start_soon(partial(admit, authenticator, comp_id="BROKER2"))
                for _ in range(2):
                    await trio.to_thread.run_sync(verifications.begun.acquire)
                scope.cancel()
        nursery.start_soon(partial(admit, authenticator, comp_id="DROPCOPY1"))
        await trio.testing.wait_all_tasks_blocked()
        assert verifications.at_once == hash_queue.AT_ONCE
        verifications.let_go.set()

    assert verifications.at_once_max == hash_queue.AT_ONCE
    assert len(verifications.passwords) == len(names)


async def test_an_unknown_user_costs_the_same(
    authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password of a wrong user name is verified like any other, and refused."""
    verifications = Verifications()
    verifications.let_go.set()
    monkeypatch.setattr(authenticator, "_verify", verifications.verify)

    assert await admit(authenticator, "553=nobody|554=right|") is Refusal.CREDENTIALS
    assert verifications.passwords == [b"right"]


async def test_a_schedule_is_asked_before_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside its schedule nobody logs on, and no password is hashed for it."""
    asked: list[str] = []

    def in_period(comp_id: str) -> bool:
        asked.append(comp_id)
        return False

    authenticator = make(tmp_path, in_period=in_period)
    monkeypatch.setattr(authenticator, "_verify", lambda *_: pytest.fail("hashed"))

    assert await admit(authenticator) is Refusal.OUTSIDE_SCHEDULE
    assert await admit(authenticator, address="10.0.0.1") is Refusal.NETWORK
    assert asked == ["BROKER1"]


async def test_a_schedule_may_end_while_a_password_is_verified(tmp_path: Path) -> None:
    """What was open at first has to be open at the end too."""
    answers = [True, False]
    ask: Callable[[str], bool] = lambda _: answers.pop(0)  # noqa: E731 - asked at both moments
    authenticator = make(tmp_path, in_period=ask, is_open=ask)

    assert await admit(authenticator) is Refusal.OUTSIDE_SCHEDULE
    assert answers == []


async def test_a_stranger_opens_nothing(tmp_path: Path) -> None:
    """Who is not admitted never makes a session be brought to the present moment."""
    authenticator = make(tmp_path, is_open=lambda _: pytest.fail("a boundary is carried out"))

    assert await admit(authenticator, "553=b1|554=wrong|") is Refusal.CREDENTIALS


async def test_a_wrong_password_is_counted(tmp_path: Path) -> None:
    """It is an input with who it was about and from where; nothing that was guessed is in it."""
    known = Known()
    authenticator = make(tmp_path, known=known)
    await admit(authenticator, "553=b1|554=wrong|")
    await admit(authenticator, "553=nobody|554=right|")
    await admit(authenticator)

    session = known.failures[0].session
    failure = LogonFailedInput(session, CredentialKind.PASSWORD, "127.0.0.1", "credentials")
    assert known.failures == [failure] * 2
    assert b"wrong" not in failure.payload()


@pytest.mark.parametrize(
    "changes",
    [
        {"comp_id": "NOBODY"},
        {"target": "KK98"},
        {"msg_type": "D"},
        {"address": "10.0.0.1"},
        {"more": "96=x|"},
        {"comp_id": "BROKER2", "more": "553=b1|554=wrong|"},
    ],
)
async def test_what_stops_before_the_password_counts_nothing(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    """Nobody is locked out by who is not in the session's network, or by what names nobody."""
    known = Known()
    authenticator = make(tmp_path, known=known)
    for _ in range(2 * GUESSES_A_DAY):
        await admit(authenticator, **changes)

    assert known.failures == []
    assert isinstance(await admit(authenticator), Admitted)


async def test_lock_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses in a row have to wait, and a day has fifty; what waits costs no hash."""
    known = Known()
    authenticator = make(tmp_path, known=known)
    wrong = "553=b1|554=wrong|"
    verdicts = [await admit(authenticator, wrong) for _ in range(7)]
    assert verdicts == [Refusal.CREDENTIALS] * 6 + [Refusal.BACKED_OFF]

    while len(known.failures) < GUESSES_A_DAY:
        known.now_ns += 600_000_000_000
        assert await admit(authenticator, wrong) is Refusal.CREDENTIALS
    monkeypatch.setattr(authenticator, "_verify", lambda *_: pytest.fail("hashed"))
    known.now_ns += 600_000_000_000
    assert await admit(authenticator) is Refusal.LOCKED
    assert await admit(authenticator, address="10.0.0.1") is Refusal.NETWORK
    assert len(known.failures) == GUESSES_A_DAY


async def test_parallel_guesses_are_no_more_than_others(tmp_path: Path) -> None:
    """A hundred connections at once get as many guesses as one."""
    known = Known()
    authenticator = make(tmp_path, known=known)
    verdicts: list[Admitted | Refusal] = []

    async def guess() -> None:
        verdicts.append(await admit(authenticator, "553=b1|554=wrong|"))

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(guess)

    assert len(known.failures) == 6
    assert Counter(verdicts)[Refusal.CREDENTIALS] == 6
    assert set(verdicts) == {Refusal.CREDENTIALS, Refusal.BACKED_OFF, Refusal.BUSY}
