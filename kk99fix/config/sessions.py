"""sessions/<COMPID>.toml: one counterparty session; adding a file is onboarding."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Annotated

from attrs import Factory, field, frozen

from kk99fix.config.certificates import ClientCertificates
from kk99fix.config.certification import Certification, certification_mistakes
from kk99fix.config.risk import SessionLimits
from kk99fix.config.schedule import Schedule, schedule_mistakes
from kk99fix.config.toml_file import KeyPath
from kk99fix.config.values import (
    Account,
    Between,
    CompId,
    Matches,
    Name,
    Network,
    OneOf,
    PasswordHash,
    PublicKey,
    SeedName,
)

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

#: Keys of [logon] that are about orders, which a drop copy has none of.
_ABOUT_ORDERS = ("cancel_on_disconnect", "cancel_grace_s", "cancel_on_logout")

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
    #: false: it is logged out, may not log on, and its orders are cancelled; numbers and id stay.
    enabled: bool = True
    #: Account(1) it may use; the first is the default.
    accounts: tuple[Account, ...] = ()
    #: "fix44" sends only what FIX 4.4 allows, "kk99" adds our own tags.
    dialect: Annotated[str, OneOf("fix44", "kk99")] = "fix44"
    #: Of SendingTime(52), TransactTime(60) and OrigSendingTime(122) in what it is sent.
    timestamp_precision: Annotated[str, OneOf("seconds", "milliseconds", "microseconds")] = (
        "milliseconds"
    )
    #: Whether it is told LastMsgSeqNumProcessed(369) in every header.
    last_msg_seq_num_processed: bool = False


@frozen
class Logon:
    """[logon]: from where, with what, and on which terms."""

    allow_from: tuple[Network, ...] = LOOPBACK
    #: Username(553): of the password, or the id of the key that signs.
    username: Annotated[str, Matches(r"[!-~]{1,64}", "1 to 64 printable characters")] | None = None
    #: What Password(554) has to be.
    password_hash: PasswordHash | None = field(default=None, repr=False)
    #: Name of the sealed seed whose code is asked for beside the password.
    totp: SeedName | None = None
    #: Whose signature RawData(96) has to be, in place of a password.
    public_key: PublicKey | None = field(default=None, repr=False)
    #: Only over TLS.  A client certificate implies it.
    require_tls: bool = False
    #: With one of these certificates alone.
    client_certificate: ClientCertificates = ()
    #: Lowest and highest HeartBtInt(108), in seconds.
    heart_bt_int: tuple[Interval, Interval] = (5, 60)
    #: ResetSeqNumFlag(141)=Y at logon.
    reset_seq_num: Annotated[str, OneOf("allowed", "at-session-start", "refused")] = "refused"
    #: Whether open orders are cancelled when the connection ends other than by a logout.
    #: An order says otherwise by ExecInst(18): H keeps it, Q cancels it.
    cancel_on_disconnect: bool = True
    #: How long the session may take to return before that.
    cancel_grace_s: Annotated[int, Between(0, 3600)] = 0
    #: Whether a logout counts as such an end; a planned stop of the gateway never does.
    cancel_on_logout: bool = False

    @property
    def asks_for_proof(self) -> bool:
        """Whether the counterparty has to prove who it is, wherever it comes from."""
        return self.password_hash is not None or self.public_key is not None


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
    limits: SessionLimits = Factory(SessionLimits)
    drop_copy: DropCopy = Factory(DropCopy)
    certification: Certification = Factory(Certification)
    #: None: always open, and the numbers go on for ever.
    schedule: Schedule | None = None

    @property
    def comp_id(self) -> str:
        """The name by which everything else calls this session."""
        return self.session.sender_comp_id


def session_mistakes(value: SessionFile) -> Iterator[tuple[KeyPath, str]]:
    """Yield key and text of whatever contradicts something else in the same file."""
    yield from _role_mistakes(value)
    yield from _logon_mistakes(value)
    yield from certification_mistakes(value.certification, value.session.role)
    if value.schedule is not None:
        yield from schedule_mistakes(value.schedule)
    elif value.logon.reset_seq_num == "at-session-start":
        was = 'found "at-session-start" without a [schedule]'
        yield ("logon", "reset_seq_num"), f'{was}; "allowed" or "refused" would be right'


def _role_mistakes(value: SessionFile) -> Iterator[tuple[KeyPath, str]]:
    session, scope = value.session, value.drop_copy
    if session.role == "order-entry":
        if not session.accounts:
            yield ("session", "accounts"), "is missing, and role order-entry needs at least one"
        if scope != DropCopy():
            key = "firms" if scope.firms else "accounts"
            yield ("drop_copy", key), "does not apply to role order-entry; leave it out"
    else:
        yield from _drop_copy_mistakes(value)


def _drop_copy_mistakes(value: SessionFile) -> Iterator[tuple[KeyPath, str]]:
    session, scope = value.session, value.drop_copy
    if session.accounts:
        yield ("session", "accounts"), "does not apply to role drop-copy; leave it out"
    for key in _ABOUT_ORDERS:
        if getattr(value.logon, key) != getattr(Logon(), key):
            yield ("logon", key), "does not apply to role drop-copy; leave it out"
    if value.limits != SessionLimits():
        yield ("limits",), "does not apply to role drop-copy; leave it out"
    if not scope.firms and not scope.accounts:
        yield ("drop_copy", "firms"), 'is missing; firms = ["*"] sees every firm'
    if scope.firms and scope.accounts:
        yield ("drop_copy", "accounts"), "stands beside firms; one of the two would be right"
    if "*" in scope.firms and len(scope.firms) > 1:
        yield ("drop_copy", "firms"), 'found "*" beside other names; "*" alone is every firm'


def _logon_mistakes(value: SessionFile) -> Iterator[tuple[KeyPath, str]]:
    logon = value.logon
    if not logon.allow_from:
        right = 'networks such as "10.1.0.0/16"'
        yield ("logon", "allow_from"), f"found an empty list; {right} would be right"
    yield from _proof_mistakes(logon)
    if not logon.asks_for_proof and not logon.client_certificate:
        for network in logon.allow_from:
            if network.prefixlen == 0:
                was = f'found "{network}", every address, without a password'
                right = "narrower networks, a password or a client_certificate"
                yield ("logon", "allow_from"), f"{was}; {right} would be right"
    if logon.cancel_on_logout and not logon.cancel_on_disconnect:
        right = "leaving one of the two out"
        yield (
            ("logon", "cancel_on_logout"),
            f"found true beside cancel_on_disconnect = false; {right} would be right",
        )
    low, high = logon.heart_bt_int
    if low > high:
        right = f"[{high}, {low}], lowest first,"
        yield ("logon", "heart_bt_int"), f"found [{low}, {high}]; {right} would be right"


def _proof_mistakes(logon: Logon) -> Iterator[tuple[KeyPath, str]]:
    """Yield what contradicts itself in who proves what: RawData(96) carries one proof."""
    if logon.public_key is not None:
        if logon.username is None:
            right = "username, the id of that key, beside it"
            yield ("logon", "public_key"), f"stands without username; {right} would be right"
        if logon.password_hash is not None:
            yield (
                ("logon", "public_key"),
                "stands beside password_hash; one of the two would be right",
            )
        if logon.totp is not None:
            was = "stands beside totp, and RawData(96) carries one of the two"
            yield ("logon", "public_key"), f"{was}; one of them would be right"
        return
    if (logon.username is None) != (logon.password_hash is None):
        given, other = "username", "password_hash"
        if logon.username is None:
            given, other = other, given
        yield ("logon", given), f"stands without {other}; both or neither would be right"
    if logon.totp is not None and logon.password_hash is None:
        right = "a password beside the code"
        yield ("logon", "totp"), f"stands without password_hash; {right} would be right"


def account_owners(sessions: Iterable[SessionFile]) -> dict[str, str]:
    """Return account -> firm."""
    return {account: value.session.firm for value in sessions for account in value.session.accounts}


def followed_accounts(scope: DropCopy, owner: dict[str, str]) -> set[str]:
    """Return the accounts whose reports a drop copy receives."""
    return {
        account
        for account, firm in owner.items()
        if "*" in scope.firms or firm in scope.firms or account in scope.accounts
    }
