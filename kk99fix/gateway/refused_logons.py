"""The logons that were refused lately, with everything that an operator may know and no secret.

So many of each cause are kept: a flood of one cause, or of strangers, leaves the others there.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Final

from attrs import evolve, field, frozen

from kk99fix.config.sessions import SessionFile
from kk99fix.fix import split
from kk99fix.fix.encode import printable
from kk99fix.fix.masking import mask_whatever
from kk99fix.gateway.peer import Peer
from kk99fix.gateway.references import Reference

KEPT_OF_A_CAUSE: Final = 100
FRAME_MAX_CHARACTERS: Final = 512
EXAMINED_BYTES: Final = 1024
NAME_MAX_CHARACTERS: Final = 64


@frozen
class RefusedLogon:
    """One refusal; what a counterparty said is printable ASCII and capped."""

    reference: Reference
    #: UTC.
    time_ns: int
    cause: str
    peer: Peer
    #: The balancer that the connection came through.
    balancer: str | None = None
    #: Where the session's live connection comes from, if that is why.
    live_address: str | None = None
    #: What the first message claimed; None where there was none, or it had no such field.
    sender_comp_id: str | None = None
    target_comp_id: str | None = None
    username: str | None = None
    #: The first message, its secrets masked.
    frame: str | None = None
    #: The file of the session that it claimed to be, as it was then.
    file: SessionFile | None = field(default=None, repr=False)
    #: What OpenSSL says of a handshake that failed.
    detail: str | None = None


def refused_logon(
    reference: Reference,
    time_ns: int,
    cause: str,
    peer: Peer,
    frame: bytes | None,
    *,
    balancer: str | None,
    live_address: str | None,
    detail: str | None,
    file_of: Callable[[str], SessionFile | None],
) -> RefusedLogon:
    """Put together what is known of a refusal."""
    known = RefusedLogon(reference, time_ns, cause, peer, balancer, live_address, detail=detail)
    if frame is None:
        return known
    # A flood of large frames has to cost little; names and what is shown stand at the begin.
    begin = frame[:EXAMINED_BYTES]
    message = split.split(begin)

    def claimed(tag: int) -> str | None:
        value = message.get(tag)
        return None if value is None else printable(value, NAME_MAX_CHARACTERS)

    sender = claimed(49)
    return evolve(
        known,
        sender_comp_id=sender,
        target_comp_id=claimed(56),
        username=claimed(553),
        frame=printable(mask_whatever(begin).replace(b"\x01", b"|"), FRAME_MAX_CHARACTERS),
        file=None if sender is None else file_of(sender),
    )


class RefusedLogons:
    """The newest of each cause, found by their references."""

    def __init__(self) -> None:
        """Begin with none."""
        self._of_cause: dict[str, deque[RefusedLogon]] = defaultdict(deque)
        self._by_reference: dict[Reference, RefusedLogon] = {}

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._by_reference)

    def add(self, refused: RefusedLogon) -> None:
        """Keep one, and let go of the oldest of its cause if there are too many."""
        kept = self._of_cause[refused.cause]
        if len(kept) == KEPT_OF_A_CAUSE:
            del self._by_reference[kept.popleft().reference]
        kept.append(refused)
        self._by_reference[refused.reference] = refused

    def find(self, reference: Reference) -> RefusedLogon | None:
        """Return one; None where it is not kept any more."""
        return self._by_reference.get(reference)

    def newest(
        self,
        *,
        cause: str | None = None,
        address: str | None = None,
        sender_comp_id: str | None = None,
    ) -> list[RefusedLogon]:
        """Return those that match, the newest first."""
        wanted: Iterable[RefusedLogon] = self._by_reference.values()
        if cause is not None:
            wanted = self._of_cause.get(cause, ())
        return sorted(
            (
                each
                for each in wanted
                if address in {None, each.peer.address}
                and sender_comp_id in {None, each.sender_comp_id}
            ),
            key=lambda each: each.reference,
            reverse=True,
        )
