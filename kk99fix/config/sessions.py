"""sessions/<COMPID>.toml: one counterparty session; adding a file is onboarding."""

from ipaddress import ip_network
from typing import Annotated

from attrs import Factory, field, frozen

from kk99fix.config.risk import Limits
from kk99fix.config.structure import Later
from kk99fix.config.values import (
    Account,
    Between,
    CompId,
    Matches,
    Name,
    Network,
    OneOf,
    PasswordHash,
)

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

#: Keys of a session file that stand in its documentation and do nothing yet.
LATER: Later = {
    "logon": frozenset({"totp", "client_certificate", "cancel_on_disconnect", "cancel_grace_s"}),
    "limits": frozenset({"messages_per_second"}),
}

Interval = Annotated[int, Between(1, 3600)]


@frozen
class Identity:
    """[session]: who it is and what it may act for."""

    #: SenderCompID(49) on what the counterparty sends.
    sender_comp_id: CompId
    #: TargetCompID(56) on what it sends.
    target_comp_id: CompId
    role: Annotated[str, OneOf("order-entry", "drop-copy", later=("market-data",))]
    firm: Name
    #: Account(1) it may use; the first is the default.
    accounts: tuple[Account, ...] = ()
    #: "fix44" sends only what FIX 4.4 allows, "kk99" adds our own tags.
    dialect: Annotated[str, OneOf("fix44", "kk99")] = "fix44"


@frozen
class Logon:
    """[logon]: from where, with what, and on which terms."""

    allow_from: tuple[Network, ...] = LOOPBACK
    #: Username(553) and Password(554): both or neither.
    username: Annotated[str, Matches(r"[!-~]{1,64}", "1 to 64 printable characters")] | None = None
    password_hash: PasswordHash | None = field(default=None, repr=False)
    #: Lowest and highest HeartBtInt(108), in seconds.
    heart_bt_int: tuple[Interval, Interval] = (5, 60)
    #: ResetSeqNumFlag(141)=Y at logon.
    reset_seq_num: Annotated[str, OneOf("allowed", "refused", later=("at-session-start",))] = (
        "refused"
    )


@frozen
class DropCopy:
    """[drop_copy]: whose reports a drop-copy session receives; one of the two."""

    #: "*" is every firm.
    firms: tuple[Name, ...] = ()
    accounts: tuple[Account, ...] = ()


@frozen
class SessionFile:
    """The whole of one session file."""

    session: Identity
    logon: Logon = Factory(Logon)
    limits: Limits = Factory(Limits)
    drop_copy: DropCopy = Factory(DropCopy)

    @property
    def comp_id(self) -> str:
        """The name by which everything else calls this session."""
        return self.session.sender_comp_id
