import pytest
from support.proofs import KEY, code_at, signature

from kk99fix.fix.values import format_utc_timestamp
from kk99fix.harness.proofs import Identity, proof_fields

NOW_NS = 1_790_000_000_123_456_789
SEED = b"a seed of 20 bytes.."
RIGHT, CANARY = "right", "canary"
CODE = code_at(SEED, NOW_NS // 30_000_000_000).encode()


@pytest.mark.parametrize(
    ("identity", "fields"),
    [
        (Identity("BROKER1", "KK99"), ()),
        (
            Identity("BROKER1", "KK99", username="b1", password=RIGHT),
            ((553, b"b1"), (554, b"right")),
        ),
        (
            Identity("BROKER1", "KK99", username="b1", password=RIGHT, totp_seed=SEED),
            ((553, b"b1"), (554, b"right"), (95, b"11"), (96, b"TOTP " + CODE)),
        ),
        (
            Identity(
                "BROKER1",
                "KK99",
                username="b1",
                password=RIGHT,
                totp_seed=SEED,
                code_behind_password=True,
            ),
            ((553, b"b1"), (554, b"right" + CODE)),
        ),
    ],
)
def test_passwords_and_codes(identity: Identity, fields: tuple[tuple[int, bytes], ...]) -> None:
    """What the session asks for stands where FIX has a place for it."""
    assert proof_fields(identity, 7, NOW_NS) == fields


def test_signatures() -> None:
    """Over the number and the time that the message has."""
    key = KEY.private_bytes_raw()
    identity = Identity("BROKER1", "KK99", username="k1", signing_key=key)
    stamp = format_utc_timestamp(NOW_NS).decode()
    expected = signature(("A", "BROKER1", "KK99", "7", stamp)).encode()

    assert proof_fields(identity, 7, NOW_NS) == ((553, b"k1"), (95, b"88"), (96, expected))


def test_no_secret_in_a_repr() -> None:
    """Whoever prints an identity shows none of its secrets."""
    key = KEY.private_bytes_raw()
    identity = Identity("B1", "KK99", password=CANARY, totp_seed=b"canary", signing_key=key)

    assert CANARY not in repr(identity)
    assert repr(key) not in repr(identity)
