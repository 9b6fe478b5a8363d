"""Codes and signatures at the authenticator: what is taken, once, and what counts as a guess."""

import base64
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.authenticators import CHEAP, NOW_NS, SEED, Known, over
from support.config_folder import ConfigFolder
from support.frames import framed, soh
from support.proofs import PUBLIC_KEY, STEP_S, code_at, signature, wrong_code

from kk99fix.fix.split import split
from kk99fix.fix.values import format_utc_timestamp
from kk99fix.gateway import totp
from kk99fix.gateway.authentication import Admitted, Authenticator, Refusal
from kk99fix.gateway.peer import Peer
from kk99fix.venue.credentials import CredentialKind, Proof

NS_PER_S = 1_000_000_000
NOW_STEP = NOW_NS // NS_PER_S // STEP_S
PASSWORD = "right"  # noqa: S105 - of a test
RFC_SEED = b"12345678901234567890"


@attrs.define
class Gate:
    """An authenticator over one session with codes or signatures, and what it knows."""

    known: Known
    authenticator: Authenticator

    async def ask(self, body: str, *, number: str = "1", sent_ns: int | None = None) -> object:
        """Decide on a Logon(A); what is admitted is used up, as its LOGON input would."""
        verdict = await self.authenticator.admit(
            split(logon(body, number, self.known.utc_ns if sent_ns is None else sent_ns)),
            Peer("127.0.0.1"),
        )
        if not isinstance(verdict, Admitted):
            return verdict
        assert verdict.proof is not None
        self.known.credentials.succeeded(verdict.session, verdict.proof, self.known.now_ns)
        return verdict.proof

    def forgive(self) -> None:
        """Forget failures, as an operator would."""
        for session in {failure.session for failure in self.known.failures}:
            self.known.credentials.unlock(session)


def stamp(time_ns: int) -> str:
    """SendingTime(52)."""
    return format_utc_timestamp(time_ns).decode()


def logon(body: str, number: str = "1", sent_ns: int = NOW_NS) -> bytes:
    """A Logon(A) of BROKER1."""
    head = f"35=A|49=BROKER1|56=KK99|34={number}|52={stamp(sent_ns)}|"
    return framed(soh(f"{head}98=0|108=30|{body}"))


def gate(folder: Path, keys: str) -> Gate:
    """A gate with these keys in [logon] of BROKER1."""
    files, known = ConfigFolder(folder), Known()
    files.replace("sessions/BROKER1.toml", "[logon]", f"[logon]\n{keys}")
    return Gate(known, over(files, known))


@pytest.fixture
def codes(tmp_path: Path) -> Gate:
    """BROKER1 has user b1, password right and the codes of seed1."""
    hashed = CHEAP.hash("right")
    return gate(tmp_path, f'username = "b1"\npassword_hash = "{hashed}"\ntotp = "seed1"')


@pytest.fixture
def signatures(tmp_path: Path) -> Gate:
    """BROKER1 signs with key k1."""
    return gate(tmp_path, f'username = "k1"\npublic_key = "{PUBLIC_KEY}"')


def beside(code: str, password: str = PASSWORD) -> str:
    """A code in RawData(96)."""
    data = f"TOTP {code}"
    return f"553=b1|554={password}|95={len(data)}|96={data}|"


def appended(code: str, password: str = PASSWORD) -> str:
    """A code behind the password."""
    return f"553=b1|554={password}{code}|"


# ---------------------------------------------------------------------------- codes


@pytest.mark.parametrize("form", [beside, appended])
async def test_a_code_is_taken_once(codes: Gate, form: Callable[[str], str]) -> None:
    """In either form; and again it is refused, which is no guess."""
    body = form(code_at(SEED, NOW_STEP))

    assert await codes.ask(body) == Proof(CredentialKind.PASSWORD, totp_step=NOW_STEP)
    assert await codes.ask(body) is Refusal.TOTP_REUSED
    assert await codes.ask(appended(code_at(SEED, NOW_STEP))) is Refusal.TOTP_REUSED
    assert codes.known.failures == []


@pytest.mark.parametrize(
    ("offset", "good"), [(-3, False), (-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
async def test_the_window_is_one_step(codes: Gate, offset: int, *, good: bool) -> None:
    """A code is good from one step before its own to one after."""
    verdict = await codes.ask(beside(code_at(SEED, NOW_STEP + offset)))

    assert verdict == (
        Proof(CredentialKind.PASSWORD, totp_step=NOW_STEP + offset) if good else Refusal.TOTP
    )
    assert len(codes.known.failures) == (not good)


async def test_earlier_codes_are_used_up_with_a_later_one(codes: Gate) -> None:
    """After the code of the next step those of this one and the one before are gone."""
    await codes.ask(beside(code_at(SEED, NOW_STEP + 1)))

    for offset in (-1, 0):
        verdict = await codes.ask(beside(code_at(SEED, NOW_STEP + offset)))
        assert verdict in {Refusal.TOTP_REUSED, Refusal.TOTP}
    codes.known.utc_ns += STEP_S * NS_PER_S
    assert isinstance(await codes.ask(beside(code_at(SEED, NOW_STEP + 2))), Proof)


@pytest.mark.parametrize(
    "body",
    [
        "553=b1|554=right|",
        "553=b1|554=right|95=6|96=123456|",
        "553=b1|554=right|95=10|96=TOTP 12345|",
        "553=b1|554=right|95=12|96=TOTP 1234567|",
        "553=b1|554=right|95=11|96=totp 123456|",
        "553=b1|554=right|95=11|96=TOTP 12345x|",
        "",
    ],
)
async def test_a_missing_code(codes: Gate, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without six digits nothing is tried: no hash, and no guess."""
    monkeypatch.setattr(codes.authenticator, "_verify", lambda *_: pytest.fail("hashed"))

    assert await codes.ask(body) is Refusal.TOTP
    assert codes.known.failures == []


async def test_wrong_passwords_and_codes_are_guesses(codes: Gate) -> None:
    """The password first: with a wrong one nobody learns whether a code was right."""
    right, wrong = code_at(SEED, NOW_STEP), wrong_code(SEED, NOW_STEP)

    assert await codes.ask(beside(right, "wrong")) is Refusal.CREDENTIALS
    assert await codes.ask(beside(wrong)) is Refusal.TOTP
    assert await codes.ask(appended(wrong)) is Refusal.TOTP
    assert [failure.cause for failure in codes.known.failures] == ["credentials", "totp", "totp"]
    assert isinstance(await codes.ask(beside(right)), Proof)


async def test_parallel_logons_with_one_code(codes: Gate) -> None:
    """Of a hundred one is admitted, and the others are no guesses."""
    verdicts: list[object] = []

    async def ask() -> None:
        verdicts.append(await codes.ask(beside(code_at(SEED, NOW_STEP))))

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(ask)

    assert sum(isinstance(verdict, Proof) for verdict in verdicts) == 1
    assert codes.known.failures == []


async def test_a_clock_set_back(codes: Gate) -> None:
    """Codes that were used stay used, also when their time comes again."""
    steps = range(NOW_STEP, NOW_STEP + 20)
    for step in steps:
        codes.known.utc_ns = step * STEP_S * NS_PER_S
        assert isinstance(await codes.ask(beside(code_at(SEED, step))), Proof)
    for back_s in (3600, 300, 60):
        codes.known.utc_ns = (steps[-1] * STEP_S - back_s) * NS_PER_S
        for step in steps:
            codes.known.credentials.unlock(
                codes.known.failures[0].session if codes.known.failures else 0
            )
            verdict = await codes.ask(beside(code_at(SEED, step)))
            assert verdict in {Refusal.TOTP_REUSED, Refusal.TOTP, Refusal.BACKED_OFF}


async def test_the_present_step_is_never_before_the_last(codes: Gate) -> None:
    """With the clock set back a used code is known as used, and the next one is taken."""
    assert isinstance(await codes.ask(beside(code_at(SEED, NOW_STEP))), Proof)
    codes.known.utc_ns -= 3600 * NS_PER_S

    assert await codes.ask(beside(code_at(SEED, NOW_STEP))) is Refusal.TOTP_REUSED
    assert isinstance(await codes.ask(beside(code_at(SEED, NOW_STEP + 1))), Proof)
    assert codes.known.failures == []


async def test_a_seed_that_cannot_be_opened(codes: Gate) -> None:
    """It is an alarm for the operator and a refusal of its own, and counts for nobody."""
    codes.known.seeds.seeds.clear()

    assert await codes.ask(beside(code_at(SEED, NOW_STEP), "wrong")) is Refusal.CREDENTIALS
    assert codes.known.logged.of("seed not opened") == []
    assert await codes.ask(beside(code_at(SEED, NOW_STEP))) is Refusal.SEED
    (line,) = codes.known.logged.of("seed not opened")
    assert (line["level"], line["session"], line["name"]) == ("error", "BROKER1", "seed1")
    assert line["reason"] == "secrets/seed1.seed: there is no such file"
    assert len(codes.known.failures) == 1


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, b"287082"),
        (1_111_111_109, b"081804"),
        (1_111_111_111, b"050471"),
        (1_234_567_890, b"005924"),
        (2_000_000_000, b"279037"),
        (20_000_000_000, b"353130"),
    ],
)
def test_examples_of_the_standard(second: int, code: bytes) -> None:
    """The last six digits of RFC 6238, appendix B."""
    assert totp.steps_of(RFC_SEED, code, second * NS_PER_S, 0) == (second // STEP_S,)


def test_no_secret_in_a_repr() -> None:
    """What a Logon(A) gave away is in no traceback that shows values."""
    given = totp.given_password(split(logon(beside("123456"))), with_code=True)

    assert (given.password, given.code) == (b"right", b"123456")
    assert "right" not in repr(given)
    assert "123456" not in repr(given)


# ---------------------------------------------------------------------------- signatures


def signed(
    number: str = "1",
    sent_ns: int = NOW_NS,
    key: Ed25519PrivateKey | None = None,
    **other: str,
) -> str:
    """The fields of a signed Logon(A); `other` signs other values than those that are sent."""
    values = {
        "msg_type": "A",
        "sender": "BROKER1",
        "target": "KK99",
        "number": number,
        "time": stamp(sent_ns),
        **other,
    }
    texts = tuple(values.values())
    data = signature(texts) if key is None else signature(texts, key)
    return f"553=k1|95={len(data)}|96={data}|"


async def test_a_signature_is_taken_once(signatures: Gate) -> None:
    """The same Logon(A) again is refused, and so is whatever was sent before it; no guesses."""
    proof = Proof(CredentialKind.SIGNATURE, signed_ns=NOW_NS)

    assert await signatures.ask(signed()) == proof
    assert await signatures.ask(signed()) is Refusal.SIGNATURE_TIME
    before_ns = NOW_NS - NS_PER_S
    verdict = await signatures.ask(signed("2", before_ns), number="2", sent_ns=before_ns)
    assert verdict is Refusal.SIGNATURE_TIME
    assert signatures.known.failures == []
    after_ns = NOW_NS + 1_000_000
    assert isinstance(
        await signatures.ask(signed("2", after_ns), number="2", sent_ns=after_ns), Proof
    )


@pytest.mark.parametrize(
    ("offset_s", "good"), [(-6, False), (-5, True), (5, True), (6, False), (3600, False)]
)
async def test_the_window_of_signatures(
    signatures: Gate, offset_s: int, *, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five seconds on either side; a signature of another time is not even looked at."""
    sent_ns = NOW_NS + offset_s * NS_PER_S
    if not good:
        monkeypatch.setattr(
            "kk99fix.gateway.signature.is_signed", lambda *_: pytest.fail("looked at")
        )
    verdict = await signatures.ask(signed(sent_ns=sent_ns), sent_ns=sent_ns)

    assert (
        verdict == Proof(CredentialKind.SIGNATURE, signed_ns=sent_ns)
        if good
        else verdict is Refusal.SIGNATURE_TIME
    )
    assert signatures.known.failures == []


OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "553=k1|",
        "553=k1|95=4|96=AAAA|",
        "553=k1|95=3|96=???|",
        signed(key=OTHER_KEY),
        signed(msg_type="B"),
        signed(sender="BROKER2"),
        signed(target="KK98"),
        signed(number="2"),
        signed(time=stamp(NOW_NS + 1_000_000)),
        signed().replace("553=k1|", "553=k2|"),
        signed().replace("553=k1|", ""),
        "553=k1|554=right|",
    ],
)
async def test_other_signatures_are_refused(signatures: Gate, body: str) -> None:
    """Of other values, by another key, under another name, or none at all."""
    assert await signatures.ask(body) is Refusal.SIGNATURE


async def test_nobody_locks_out_who_signs(signatures: Gate) -> None:
    """A wrong signature is no guess: after hundreds of them the right one is taken."""
    for _ in range(300):
        assert await signatures.ask(signed(key=OTHER_KEY)) is Refusal.SIGNATURE

    assert signatures.known.failures == []
    assert isinstance(await signatures.ask(signed()), Proof)


async def test_any_changed_bit_of_a_signature(signatures: Gate) -> None:
    """No other signature is taken for the right one."""
    right = base64.b64decode(signed().rpartition("|96=")[2].rstrip("|"))
    for bit in range(0, len(right) * 8, 5):
        changed = bytearray(right)
        changed[bit // 8] ^= 1 << bit % 8
        data = base64.b64encode(changed).decode()
        assert await signatures.ask(f"553=k1|95={len(data)}|96={data}|") is Refusal.SIGNATURE
    assert isinstance(await signatures.ask(signed()), Proof)


async def test_no_sending_time(signatures: Gate) -> None:
    """Without one there is nothing that could be of now."""
    frame = logon(signed()).replace(f"52={stamp(NOW_NS)}\x01".encode(), b"")
    body = frame[frame.index(b"35=") : -7]
    message = split(framed(body))

    verdict = await signatures.authenticator.admit(message, Peer("127.0.0.1"))
    assert verdict is Refusal.SIGNATURE_TIME
