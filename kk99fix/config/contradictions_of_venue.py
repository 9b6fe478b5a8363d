"""What venue.toml contradicts in itself, and whether it has room for what the other files say."""

from collections.abc import Iterator

from kk99fix.config.decimals import ONE_E8, format_e8
from kk99fix.config.errors import Mistake
from kk99fix.config.parts import Part, Parts
from kk99fix.config.venue import VenueFile


def contradictions_of_venue(part: Part[VenueFile], parts: Parts) -> Iterator[Mistake]:
    """Yield what is wrong with venue.toml, given all that could be read beside it."""
    yield from _venue(part)
    yield from _tls(part)
    yield from _capacity(part, parts)


def _venue(part: Part[VenueFile]) -> Iterator[Mistake]:
    venue, file = part.value, part.file
    capacity = venue.capacity
    if capacity.duplicate_window < capacity.orders:
        yield file.mistake(
            ("capacity", "duplicate_window"),
            f"found {capacity.duplicate_window}; at least capacity.orders ({capacity.orders}) "
            "would be right",
        )
    if venue.slow_reader.max_bytes < capacity.ring_bytes:
        yield file.mistake(
            ("slow_reader", "max_bytes"),
            f"found {venue.slow_reader.max_bytes}; at least capacity.ring_bytes "
            f"({capacity.ring_bytes}) would be right",
        )
    if venue.listen.port == venue.listen.metrics_port != 0:
        yield file.mistake(
            ("listen", "metrics_port"),
            f"found {venue.listen.metrics_port}, which is listen.port; another would be right",
        )
    for network in venue.listen.proxy_from:
        if network.prefixlen == 0:
            yield file.mistake(
                ("listen", "proxy_from"),
                f'found "{network}", where everybody could name any address; '
                "the networks of your balancers would be right",
            )
    if venue.venue.after_restart == "halted" and venue.venue.reopen_after_s == 0:
        yield file.mistake(
            ("venue", "reopen_after_s"),
            'found 0 with after_restart = "halted"; the seconds until orders are taken again '
            "would be right",
        )
    own = venue.venue.currency
    if venue.rates.get(own, ONE_E8) != ONE_E8:
        yield file.mistake(
            ("rates", own),
            f'found "{format_e8(venue.rates[own])}" for the venue\'s own currency; '
            "leaving it out would be right",
        )


def _capacity(part: Part[VenueFile], parts: Parts) -> Iterator[Mistake]:
    capacity = part.value.capacity
    sessions = [session.value.session for session in parts.sessions]
    needed = {
        "sessions": (capacity.sessions, len(sessions)),
        "firms": (capacity.firms, len({session.firm for session in sessions})),
        "accounts": (
            capacity.accounts,
            len({account for session in sessions for account in session.accounts}),
        ),
    }
    if parts.instruments:
        count = len(parts.instruments.value.instrument)
        needed["instruments"] = (capacity.instruments, count)
    for key, (room, need) in needed.items():
        if room < need:
            yield part.file.mistake(
                ("capacity", key), f"found {room}; at least {need} would be right: the files say so"
            )


def _tls(part: Part[VenueFile]) -> Iterator[Mistake]:
    tls, file = part.value.tls, part.file
    for key in ("certificate", "private_key"):
        if tls.listens and getattr(tls, key) is None:
            yield file.mistake(("tls", key), "is missing, and tls.port needs it")
    if tls.require_client_certificate and not tls.client_ca:
        yield file.mistake(
            ("tls", "require_client_certificate"),
            'found true without a CA; partners = "partners.pem" under [tls.client_ca] '
            "would be right",
        )
    taken = {part.value.listen.metrics_port: "listen.metrics_port"}
    if part.value.listen.plain:
        taken[part.value.listen.port] = "listen.port"
    if tls.port and tls.port in taken:
        yield file.mistake(
            ("tls", "port"), f"found {tls.port}, which is {taken[tls.port]}; another would be right"
        )
    if not part.value.listen.plain and not tls.listens:
        yield file.mistake(
            ("listen", "plain"), "found false without tls.port, so nobody could connect"
        )
