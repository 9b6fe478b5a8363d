"""Where a counterparty connects, and how."""

from attrs import frozen


@frozen
class Door:
    """One of the venue's listeners, as it is reached from outside."""

    host: str
    port: int
    tls: bool
