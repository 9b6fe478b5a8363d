"""What is counted of TLS: a frozen snapshot for the metrics."""

from attrs import Factory, frozen

from kk99fix.gateway.tls_listener import TlsListener


@frozen
class TlsStatistics:
    """The counts of one moment; all 0 without a TLS listener."""

    #: By version.
    handshakes: dict[str, int] = Factory(dict)
    #: By cause.
    failures: dict[str, int] = Factory(dict)
    #: Reads of the files: taken over, or refused.
    reloads: dict[str, int] = Factory(dict)
    waiting: int = 0
    sessions: int = 0
    #: UTC, in seconds; when our certificate expires.
    certificate_expiry_s: float = 0.0


def tls_statistics(listener: TlsListener | None, sessions: int) -> TlsStatistics:
    """Take a snapshot."""
    if listener is None:
        return TlsStatistics()
    return TlsStatistics(
        handshakes=dict(listener.succeeded),
        failures=dict(listener.failed),
        reloads=dict(listener.reloads),
        waiting=listener.waiting,
        sessions=sessions,
        certificate_expiry_s=listener.material.not_after.timestamp(),
    )
