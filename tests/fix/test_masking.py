import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.frames import HEADER, frame, framed, order, soh

from kk99fix.fix.framing import Frame, Framer, Scan, Verdict, scan
from kk99fix.fix.masking import mask, mask_whatever
from kk99fix.fix.split import split

SECRET = b"s3cret"


@given(st.binary(min_size=1, max_size=20), st.binary(min_size=1, max_size=20))
def test_secrets_of_a_logon(password: bytes, proof: bytes) -> None:
    """Password(554) and RawData(96), SOH inside or not, are masked; all else stays."""
    password = password.replace(b"\x01", b"x")
    head = soh(f"35=A|{HEADER}98=0|108=30|553=user|95={len(proof)}|96=")
    raw = framed(head + proof + b"\x01554=" + password + b"\x01141=Y\x01")
    masked = mask(raw)

    assert len(masked) == len(raw)
    assert scan(masked) == Scan(Verdict.FRAME, len(raw))
    before, after = split(raw), split(masked)
    assert after.get(96) == b"*" * len(proof)
    assert after.get(554) == b"*" * len(password)
    assert after.fault is None
    rest = [pair for pair in before.fields if pair[0] not in {96, 554, 10}]
    assert [pair for pair in after.fields if pair[0] not in {96, 554, 10}] == rest


def test_new_password() -> None:
    """NewPassword(925) is masked as well, though no message of ours has it."""
    masked = mask(frame("BE", "923=1|924=3|553=user|554=old1|925=new1|"))

    assert b"554=****\x01925=****\x01" in masked


def test_passwords_where_nobody_expects_them() -> None:
    """Password(554) of an order is masked too; its RawData(96) is data like any other."""
    raw = order("95=4|96=data|554=s3cret|925=s3cret|")

    masked = mask(raw)
    assert (SECRET in masked, b"96=data\x01554=******\x01" in masked) == (False, True)
    assert scan(masked) == Scan(Verdict.FRAME, len(raw))
    malformed = mask(order("554=s3cret|0=1|925=s3cret|"))
    assert SECRET not in malformed


@pytest.mark.parametrize(
    "rest",
    [
        "95=2|96=s3cret|",
        "95=99|96=a|s3cret|",
        "96=s3cret|",
        "95=x|96=a|s3cret|",
        "554=s3|cret|",
        "554=a|0=s3cret|",
        "553=user|0=1|554=s3cret|925=s3cret|",
        "95=6|554=s3cret|",
        "0554=s3cret|",
        " 554=s3cret|",
    ],
)
def test_secrets_of_a_malformed_logon(rest: str) -> None:
    """Where fields do not stand as they should, all behind the first secret is masked."""
    raw = frame("A", "98=0|" + rest)
    masked = mask(raw)

    assert SECRET not in masked
    assert b"s3" not in masked
    assert b"cret" not in masked
    assert len(masked) == len(raw)
    assert scan(masked) == Scan(Verdict.FRAME, len(raw))


def test_secrets_of_any_message_are_kept_out_of_the_log() -> None:
    """What is no Logon(A) may carry a password all the same, and may be no message at all."""
    first = order("554=hunter2|")

    assert b"hunter2" not in mask(first)
    assert b"554=*******\x01" in mask_whatever(first)
    for harmless in (b"", b"abc", order()):
        assert mask_whatever(harmless) == harmless
    assert b"hunter2" not in mask_whatever(b"GET /?554=hunter2 HTTP/1.1")


def test_other_messages_are_left_alone() -> None:
    """A message without credentials comes back as it is."""
    raw = order("354=3|355=a|b|")

    assert mask(raw) is raw


def test_no_secret_in_a_repr() -> None:
    """A message, a frame or a framer in the text of an error shows no secret."""
    raw = frame("A", "98=0|95=6|96=s3cret|553=user|554=s3cret|925=s3cret|")
    framer = Framer()
    framer.feed(raw)

    assert "s3cret" not in f"{split(raw)} {Frame(raw)} {framer} {split(raw[:-9])}"
    assert "(553, b'user')" in str(split(raw))
