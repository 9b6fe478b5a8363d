"""What an input asks of the live process: the only things that do not happen inside the venue."""

from attrs import Factory, define, frozen


@frozen
class Disconnected:
    """Close this session's connection once what is in its ring has left."""

    session: int
    cause: str


@frozen
class ResendRange:
    """Send the numbers `begin` to `end` of this session and epoch again, from the journal."""

    session: int
    epoch: int
    begin: int
    end: int


@frozen
class UnknownTrade:
    """A DontKnowTrade(Q): a counterparty does not know a trade that it was told about."""

    session: int
    exec_id: bytes
    order_id: bytes
    #: DKReason(127).
    reason: bytes
    #: Text(58), as it came.
    text: bytes


@frozen
class Fault:
    """An exception of ours that ended this session."""

    session: int
    traceback: str


@define
class Outcome:
    """Filled while one input is applied; an outcome says nothing that the journal does not."""

    disconnects: list[Disconnected] = Factory(list)
    faults: list[Fault] = Factory(list)
    resends: list[ResendRange] = Factory(list)
    unknown_trades: list[UnknownTrade] = Factory(list)
