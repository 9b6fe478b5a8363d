"""What may change the venue: one frozen value for each kind of input record.

An input knows how it stands in the journal (kind, session, number, payload) and how it is read
back, so that live traffic and replay enter `Venue.apply` with equal values.
Nothing of a connection is an input before its logon has succeeded, but for one thing: that a
session's credential was tried in vain, so often at most as a credential may be.
"""

import json
from typing import Any, ClassVar

from attrs import frozen

from kk99fix.fix import split
from kk99fix.fix.message import Message
from kk99fix.journal.record import Kind, Record
from kk99fix.venue.credentials import CredentialKind, Proof
from kk99fix.venue.session_commands import SessionCommand, read_session_command

#: Session of the inputs that concern none.
NO_SESSION = 0xFFFFFFFF

_SEQ_NUM_MAX = 2**63 - 1


@frozen
class FrameInput:
    """A complete valid frame of a logged-on session that the fast path did not take."""

    kind: ClassVar[Kind] = Kind.FRAME
    session: int
    frame: bytes

    def message(self) -> Message:
        """The frame, split into its fields."""
        return split.split(self.frame)

    def payload(self) -> bytes:
        """The exact frame."""
        return self.frame


@frozen
class LogonInput:
    """The Logon(A) of an authenticated connection, its secrets masked."""

    kind: ClassVar[Kind] = Kind.LOGON
    session: int
    frame: bytes
    #: Where the connection came from, for the record.
    address: str
    #: What proved it; None where the session file asks for nothing but its networks.
    proof: Proof | None = None

    def message(self) -> Message:
        """The frame, split into its fields."""
        return split.split(self.frame)

    def payload(self) -> bytes:
        """One line of JSON on the connection, then the masked frame."""
        return _json({"address": self.address, **_proof_fields(self.proof)}) + b"\n" + self.frame


@frozen
class LogonFailedInput:
    """A session's credential was tried in vain by somebody who passed network and certificate."""

    kind: ClassVar[Kind] = Kind.LOGON_FAILED
    session: int
    credential: CredentialKind
    #: Where the connection came from, and what was wrong, for the record.
    address: str
    cause: str

    def payload(self) -> bytes:
        """One line of JSON; the frame, which holds what was guessed, is not part of it."""
        return _json(
            {"address": self.address, "cause": self.cause, "credential": self.credential.value}
        )


@frozen
class DisconnectInput:
    """The connection of a session has ended; `cause` is a short token."""

    kind: ClassVar[Kind] = Kind.DISCONNECT
    session: int
    cause: str

    def payload(self) -> bytes:
        """The cause."""
        return self.cause.encode("ascii")


@frozen
class TickInput:
    """Time has passed that somebody waited for."""

    kind: ClassVar[Kind] = Kind.TICK
    session: ClassVar[int] = NO_SESSION

    def payload(self) -> bytes:
        """Nothing: the time stands in the record."""
        return b""


@frozen
class ConfigInput:
    """The whole resolved configuration with its ids, as canonical JSON."""

    kind: ClassVar[Kind] = Kind.CONFIG
    session: ClassVar[int] = NO_SESSION
    content: bytes

    def payload(self) -> bytes:
        """The JSON text."""
        return self.content


@frozen
class DayRollInput:
    """A trading day begins; `trading_day` is YYYYMMDD."""

    kind: ClassVar[Kind] = Kind.DAY_ROLL
    session: ClassVar[int] = NO_SESSION
    trading_day: str

    def payload(self) -> bytes:
        """The day."""
        return self.trading_day.encode("ascii")


@frozen
class RestartInput:
    """The process has started again: every connection of before is gone."""

    kind: ClassVar[Kind] = Kind.RESTART
    session: ClassVar[int] = NO_SESSION

    def payload(self) -> bytes:
        """Nothing."""
        return b""


@frozen
class StorageInput:
    """The disk behind the journal has little room left from now on, or has enough again.

    The gateway looks at the disk; the venue knows what it was told, so a replay refuses alike.
    """

    kind: ClassVar[Kind] = Kind.OPERATOR
    session: ClassVar[int] = NO_SESSION
    low: bool

    def payload(self) -> bytes:
        """The command as JSON."""
        return _json({"command": "storage", "low": self.low})


Input = (
    FrameInput
    | LogonInput
    | LogonFailedInput
    | DisconnectInput
    | SessionCommand
    | StorageInput
    | TickInput
    | ConfigInput
    | DayRollInput
    | RestartInput
)


def msg_seq_num(message: Message) -> int:
    """MsgSeqNum(34) for the record's header; 0 when it is missing or no number."""
    number = message.get_int(34)
    return number if number is not None and 0 <= number <= _SEQ_NUM_MAX else 0


def read_input(record: Record) -> Input:
    """The input that `record` holds; ValueError for a kind that is none."""
    session, payload = record.header.session, bytes(record.payload)
    match record.header.kind:
        case Kind.FRAME:
            return FrameInput(session, payload)
        case Kind.LOGON:
            line, _, frame = payload.partition(b"\n")
            about = json.loads(line)
            return LogonInput(session, frame, about["address"], _read_proof(about))
        case Kind.LOGON_FAILED:
            about = json.loads(payload)
            credential = CredentialKind(about["credential"])
            return LogonFailedInput(session, credential, about["address"], about["cause"])
        case Kind.DISCONNECT:
            return DisconnectInput(session, payload.decode("ascii"))
        case Kind.OPERATOR:
            return _read_command(record.header.lsn, session, json.loads(payload))
        case Kind.TICK:
            return TickInput()
        case Kind.CONFIG:
            return ConfigInput(payload)
        case Kind.DAY_ROLL:
            return DayRollInput(payload.decode("ascii"))
        case Kind.RESTART:
            return RestartInput()
        case kind:
            raise ValueError(f"record {record.header.lsn} of kind {kind.name} is no input")


def _read_command(lsn: int, session: int, command: dict[str, Any]) -> Input:
    if command["command"] == "storage":
        return StorageInput(command["low"])
    found = read_session_command(session, command)
    if found is None:
        raise ValueError(f"record {lsn} holds the unknown command {command['command']!r}")
    return found


def _proof_fields(proof: Proof | None) -> dict[str, Any]:
    """Name what proved a Logon(A), and nothing that did not."""
    if proof is None:
        return {}
    known = {"totp_step": proof.totp_step, "signed_ns": proof.signed_ns}
    told = {name: value for name, value in known.items() if value is not None}
    return {"credential": proof.kind.value, **told}


def _read_proof(about: dict[str, Any]) -> Proof | None:
    """What proved a Logon(A); journals of before credentials were counted name nothing."""
    if "credential" not in about:
        return None
    kind = CredentialKind(about["credential"])
    return Proof(kind, about.get("totp_step"), about.get("signed_ns"))


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")
