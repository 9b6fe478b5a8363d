"""config/venue.toml: the venue itself, where it listens, what it may hold and how long it waits."""

from typing import Annotated

from attrs import Factory, frozen

from kk99fix.config.values import (
    Address,
    Between,
    CompId,
    Count,
    CountOrZero,
    Currency,
    Days,
    FileName,
    Matches,
    Name,
    Network,
    OneOf,
    Port,
    Positive,
    Seconds,
    SecondsOrZero,
)

MIB = 1024 * 1024


@frozen
class VenueSection:
    """[venue]: who we are and how we start."""

    #: SenderCompID(49) on everything that we send.
    comp_id: CompId
    #: Limits and notionals are in this currency.
    currency: Currency
    #: When a message leaves: "durable" once its record is on the disk, "process" once the operating
    #: system has it.
    durability: Annotated[str, OneOf("durable", "process")] = "durable"
    #: Whether orders are taken at once after a restart.
    after_restart: Annotated[str, OneOf("open", "halted")] = "open"
    #: With after_restart = "halted": when orders are taken again.
    reopen_after_s: SecondsOrZero = 0
    #: TestMessageIndicator(464): a Logon that says the opposite is refused, and ours says so.
    test_venue: bool = False


@frozen
class Listen:
    """[listen]: addresses, and what a connection may cost before it has logged on."""

    host: Address = "127.0.0.1"
    #: Port 0 is any free one.
    port: Port = 9944
    #: Whether FIX is spoken here without TLS; where not, [tls] has a port.
    plain: bool = True
    #: Whatever `host` is, the metrics stay on this machine unless this says otherwise.
    metrics_host: Address = "127.0.0.1"
    metrics_port: Port = 9945
    max_connections: Count = 1024
    max_connections_per_address: Count = 256
    #: From connect to a complete Logon.
    logon_timeout_s: Seconds = 5
    #: A refused Logon is closed so long after it came, whatever the cause; it is decided by then.
    failed_logon_delay_s: SecondsOrZero = 2
    #: How far SendingTime(52) of a signed Logon may be from our clock.
    signature_window_s: Annotated[int, Between(1, 60)] = 5
    #: When somebody else may log on as a live session: how long that one has to show itself.
    half_dead_wait_s: Annotated[int, Between(1, 60)] = 3
    #: Networks of balancers: a connection from there begins with a PROXY header.
    proxy_from: tuple[Network, ...] = ()
    #: Largest Logon, in bytes.
    max_pre_logon_bytes: Annotated[int, Between(512, 65_536)] = 4096


@frozen
class Tls:
    """[tls]: the listener for counterparties that encrypt; paths are relative to this file."""

    host: Address = "127.0.0.1"
    #: Without one there is no such listener; port 0 is any free one.
    port: Port | None = None
    #: Our certificate and those between it and its CA, in PEM form, and its key without passphrase.
    certificate: FileName | None = None
    private_key: FileName | None = None
    #: CAs of client certificates by the name that session files call them, in PEM form.
    client_ca: dict[Name, FileName] = Factory(dict)
    #: Whether nobody gets through the handshake without a certificate of one of them.
    require_client_certificate: bool = False
    #: From connect to the end of the handshake.
    handshake_timeout_s: Seconds = 3
    #: Handshakes that are computed at the same time, beside the trading.
    handshakes_at_once: Annotated[int, Between(1, 64)] = 2
    #: What one address may begin, in the long run and at once.
    handshakes_per_second: Annotated[int, Between(1, 100_000)] = 50
    handshake_burst: Annotated[int, Between(1, 1_000_000)] = 500

    @property
    def listens(self) -> bool:
        """Whether there is such a listener."""
        return self.port is not None


@frozen
class Journal:
    """[journal]: the files in var/journal."""

    segment_bytes: Annotated[int, Between(MIB, 4096 * MIB)] = 64 * MIB
    #: Segments that stand ready; they are what cancels are written to when the disk is full.
    segments_ahead: Annotated[int, Between(1, 64)] = 2
    #: With room for fewer further segments new orders are refused; 0: they never are.
    low_space_segments: Annotated[int, Between(0, 1024)] = 4


@frozen
class Capacity:
    """[capacity]: what is reserved at start; nothing grows later."""

    orders: Count = 1_000_000
    levels: Count = 100_000
    sessions: Count = 2048
    firms: Count = 1024
    accounts: Count = 4096
    instruments: Count = 1024
    #: ClOrdIDs remembered after their order closed.
    duplicate_window: Count = 4_000_000
    #: Take the memory of all order slots at start, so that no order waits for a page.
    touch_at_start: bool = False
    #: Send buffer of one live session.
    ring_bytes: Annotated[int, Between(512 * 1024, 1024 * MIB)] = MIB


@frozen
class OrderEntry:
    """[order_entry]: how old an order and a message may be."""

    max_order_age_s: Seconds = 30
    sending_time_tolerance_s: Seconds = 120


@frozen
class SlowReader:
    """[slow_reader]: when a counterparty that does not read is cut off."""

    #: No byte waits longer for a socket that takes no more.
    max_seconds: Seconds = 10
    #: So many may wait for one, in its send buffer and behind it.
    max_bytes: Annotated[int, Between(64 * 1024, 1024 * 1024 * MIB)] = 64 * MIB


@frozen
class Resend:
    """[resend]: what one session's resends may take of the machine."""

    #: Bytes sent again to one session; 0 is no limit.
    bytes_per_second: Annotated[int, Between(0, 1024 * 1024 * MIB)] = 64 * MIB
    #: What may go at once after a time without resends.
    burst_bytes: Annotated[int, Between(64 * 1024, 1024 * 1024 * MIB)] = 64 * MIB


@frozen
class Children:
    """[children]: what `kk99fix serve` starts beside itself."""

    #: `kk99fix keep`: verifies and seals complete segments, saves snapshots, compresses, removes.
    keeper: bool = True
    #: `kk99fix project`: follows the journal into the tables that people read.
    projector: bool = True


@frozen
class Snapshots:
    """[snapshots]: how often the keeper saves one, and how many there are."""

    #: After so many segments, or after so long when one was completed meanwhile.
    every_segments: Annotated[int, Between(1, 100_000)] = 16
    every_minutes: Annotated[int, Between(1, 10_080)] = 60
    #: The newest ones; what is behind the oldest of them is needed by nobody's start.
    kept: Annotated[int, Between(1, 1000)] = 3


@frozen
class Retention:
    """[retention]: what becomes of segments that no start needs any more; 0 is never."""

    compress_after_days: Days = 7
    #: All but so many of the newest complete ones.
    compress_after_segments: CountOrZero = 0
    #: What is removed cannot be sent again: such a resend is a gap fill.
    keep_days: Days = 0


@frozen
class Secrets:
    """[secrets]: where the seeds of one-time passwords are kept."""

    store: Annotated[str, OneOf("sealed-files", later=("pkcs11",))] = "sealed-files"
    #: File of the key that they are sealed under, from the folder of venue.toml on; None: the
    #: environment holds it.
    key_file: Annotated[str, Matches(r"[^\0]{1,1024}", "the path of a file")] | None = None


@frozen
class VenueFile:
    """The whole of venue.toml."""

    venue: VenueSection
    listen: Listen = Factory(Listen)
    tls: Tls = Factory(Tls)
    journal: Journal = Factory(Journal)
    capacity: Capacity = Factory(Capacity)
    order_entry: OrderEntry = Factory(OrderEntry)
    slow_reader: SlowReader = Factory(SlowReader)
    resend: Resend = Factory(Resend)
    children: Children = Factory(Children)
    snapshots: Snapshots = Factory(Snapshots)
    retention: Retention = Factory(Retention)
    secrets: Secrets = Factory(Secrets)
    #: One unit of a currency in the venue's.
    rates: dict[Currency, Positive] = Factory(dict)

    def rate_e8(self, currency: str) -> int | None:
        """Return what one unit of `currency` is in the venue's, None where no rate is given."""
        if currency == self.venue.currency:
            return 10**8
        return self.rates.get(currency)
