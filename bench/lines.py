"""What `make bench` measures: one line of the table each."""

import attrs

ORDERS_CAPACITY = 14_000_000
RING_BYTES = 1_048_576


@attrs.frozen
class Line:
    """One flow of orders, and what the server is configured for."""

    name: str
    title: str
    #: A mode of the load client: plain, parties, mix or resting+cancel.
    mode: str
    sessions: int
    #: Operations outstanding on each session.
    window: int
    #: Free places before a session sends again.
    refill: int = 1
    spin: bool = False
    drop_copy: bool = True
    #: Further drop-copy sessions, of every firm.
    desks: int = 0
    #: Sessions that there is room for beside these.
    further: int = 0
    #: Orders the venue can hold; the client stops before it sends more.
    orders: int = ORDERS_CAPACITY
    #: Send buffer of one session at the gateway.
    ring_bytes: int = RING_BYTES
    #: Whether a restart on the journal of this line is timed.
    replay: bool = False
    #: What is compared with the peers: "orders_per_s", or "p50_us" where latency is the point.
    compared: str = "orders_per_s"
    #: Over TLS 1.3; the peers speak none.
    tls: bool = False
    #: The gateway's level; at "durable" the disk itself is timed after each run.
    durability: str = "process"


LINES: tuple[Line, ...] = (
    Line("plain", "plain orders, 4 x 1000", "plain", 4, 1000),
    Line("parties", "with Parties, 4 x 1000", "parties", 4, 1000),
    Line("mix", "60 passive, 30 cancels, 10 crossing, 4 x 1000", "mix", 4, 1000, replay=True),
    Line("no-drop-copy", "plain, no drop copy, 4 x 1000", "plain", 4, 1000, drop_copy=False),
    Line(
        "sessions",
        "plain, 1000 sessions x 1",
        "plain",
        1000,
        1,
        orders=4_000_000,
        ring_bytes=524_288,
    ),
    Line(
        "latency",
        "plain, one outstanding, client spins",
        "plain",
        1,
        1,
        spin=True,
        orders=1_000_000,
        compared="p50_us",
    ),
    Line("single", "plain orders, 1 x 1000", "plain", 1, 1000),
    Line("tls", "plain orders over TLS, 1 x 1000", "plain", 1, 1000, tls=True),
    Line("tls-4", "plain orders over TLS, 4 x 1000", "plain", 4, 1000, tls=True),
    Line(
        "tls-latency",
        "plain over TLS, one outstanding, client spins",
        "plain",
        1,
        1,
        spin=True,
        orders=1_000_000,
        compared="p50_us",
        tls=True,
    ),
    Line("durable", "plain, each on the disk, 8 x 2000", "plain", 8, 2000, durability="durable"),
    Line(
        "durable-latency",
        "plain, each on the disk, one outstanding, client spins",
        "plain",
        1,
        1,
        spin=True,
        orders=1_000_000,
        compared="p50_us",
        durability="durable",
    ),
)
