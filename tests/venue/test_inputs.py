"""Each kind of input stands in the journal in a form from which it is read back."""

import pytest
from support.frames import order

from kk99fix.fix.split import split
from kk99fix.journal.record import Kind, Record, pack_record, unpack_record
from kk99fix.venue.credentials import CredentialKind, Proof
from kk99fix.venue.inputs import (
    NO_SESSION,
    ConfigInput,
    DayRollInput,
    DisconnectInput,
    FrameInput,
    Input,
    LogonFailedInput,
    LogonInput,
    RestartInput,
    StorageInput,
    TickInput,
    msg_seq_num,
    read_input,
)
from kk99fix.venue.session_commands import (
    CertificationInput,
    CertificationStep,
    NewsInput,
    ProbeInput,
    SessionEndInput,
    SessionStartInput,
    StopInput,
    UnlockInput,
)

INPUTS: tuple[Input, ...] = (
    FrameInput(3, order()),
    LogonInput(3, b"8=FIX.4.4\x01554=***\x01\n\x01", "[::1]:4711"),
    LogonInput(3, b"8=FIX.4.4\x01", "::1", Proof(CredentialKind.PASSWORD)),
    LogonInput(3, b"8=FIX.4.4\x01", "::1", Proof(CredentialKind.PASSWORD, totp_step=59_666_666)),
    LogonInput(3, b"8=FIX.4.4\x01", "::1", Proof(CredentialKind.SIGNATURE, signed_ns=1_790)),
    LogonFailedInput(3, CredentialKind.SIGNATURE, "2001:db8::1", "signature"),
    UnlockInput(3),
    CertificationInput(3, CertificationStep.BEGIN, lasts_ns=600_000_000_000),
    CertificationInput(3, CertificationStep.PASSED, ("limit", "cancel")),
    DisconnectInput(3, "slow-reader"),
    StopInput(3, 'until "tomorrow"'),
    ProbeInput(3, 3_000_000_000),
    NewsInput(3, "The gateway stops", ("Orders stay.", "Numbers go on.")),
    SessionStartInput(3, 1_790_000_000_000_000_000, reset=True),
    SessionEndInput(3, 1_790_000_000_000_000_000, "the session ends"),
    TickInput(),
    ConfigInput(b'{"venue":{}}'),
    DayRollInput("20260922"),
    RestartInput(),
    StorageInput(low=True),
    StorageInput(low=False),
)


def record_of(item: Input) -> Record:
    """The record in which an input is journaled."""
    packed = pack_record(item.kind, item.payload(), lsn=7, time_ns=1, session=item.session)
    return unpack_record(packed, 0)


@pytest.mark.parametrize("item", INPUTS, ids=lambda item: type(item).__name__)
def test_round_trip(item: Input) -> None:
    """What was written is read as the equal value."""
    assert read_input(record_of(item)) == item


def test_every_kind() -> None:
    """All kinds of inputs are covered above."""
    kinds = {kind for kind in Kind if kind.is_input}

    assert {item.kind for item in INPUTS} == kinds
    assert {item.session for item in INPUTS} == {3, NO_SESSION}


def test_a_logon_of_before_credentials_were_counted() -> None:
    """Its line names an address alone, and it is read as one that nothing proved."""
    payload = b'{"address":"::1"}\n8=FIX.4.4\x01'
    packed = pack_record(Kind.LOGON, payload, lsn=7, time_ns=1, session=3)

    assert read_input(unpack_record(packed, 0)) == LogonInput(3, b"8=FIX.4.4\x01", "::1")


def test_outputs_are_no_inputs() -> None:
    """Asking for the input in an output is a mistake of ours."""
    packed = pack_record(Kind.MESSAGE, b"8=FIX.4.4\x01", lsn=7, time_ns=1)

    with pytest.raises(ValueError, match="record 7 of kind MESSAGE is no input"):
        read_input(unpack_record(packed, 0))


def test_an_unknown_command_is_no_input() -> None:
    """A command of another version is not guessed at."""
    packed = pack_record(Kind.OPERATOR, b'{"command":"dance"}', lsn=7, time_ns=1, session=3)

    with pytest.raises(ValueError, match="record 7 holds the unknown command 'dance'"):
        read_input(unpack_record(packed, 0))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("34=17|", 17),
        ("34=0017|", 17),
        ("", 0),
        ("34=-1|", 0),
        ("34=x|", 0),
        (f"34={2**63 - 1}|", 2**63 - 1),
        (f"34={2**63}|", 0),
        ("34=99999999999999999999999|", 0),
    ],
)
def test_number_in_the_header(text: str, number: int) -> None:
    """MsgSeqNum(34) goes into the record's header; what is no such number is 0."""
    raw = f"8=FIX.4.4|9=5|35=0|{text}10=000|".replace("|", "\x01").encode()

    assert msg_seq_num(split(raw)) == number
