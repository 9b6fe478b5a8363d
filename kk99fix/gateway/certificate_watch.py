"""Live sessions whose certificate is theirs no more: cut as soon as files say so.

A reload of the session files may name other certificates, one of the TLS files other CAs; after
either every live session is looked at again, with the rules of its logon.
"""

from collections.abc import Iterator

from kk99fix.gateway.certificate_rules import misfit
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.current import Current
from kk99fix.gateway.peer import Peer
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.gateway.tls_listener import TlsListener

#: Cause of the end of such a session.
WITHDRAWN = "certificate-withdrawn"


class CertificateWatch:
    """Looks at live sessions when something has changed; one for the process."""

    def __init__(
        self,
        current: Current,
        sequencer: Sequencer,
        connections: Connections,
        tls: TlsListener | None,
    ) -> None:
        """Register for changes of the session files and of the TLS files."""
        self._current = current
        self._sequencer = sequencer
        self._connections = connections
        self._tls = tls
        current.subscribe(self.look)
        if tls is not None:
            tls.on_reload = self.look

    def look(self, changed: frozenset[str] | None = None) -> None:
        """Cut the sessions, of those that have changed, that could not log on as they are now."""
        found = [
            (session, reason)
            for comp_id, session, peer in self._looked_at(changed)
            if (reason := self._misfit(comp_id, peer)) is not None
        ]
        for session, reason in found:
            self._connections.close(session, WITHDRAWN, reason=reason)
        if found:
            self._sequencer.commit()

    def _looked_at(self, changed: frozenset[str] | None) -> Iterator[tuple[str, int, Peer]]:
        """Those of `changed` that are live, or all: a change of one file costs no walk over all."""
        registry = self._sequencer.venue.registry
        names = registry.ids["sessions"] if changed is None else sorted(changed)
        for comp_id in names:
            session = registry.session_id(comp_id)
            peer = None if session is None else self._connections.peer_of(session)
            if session is not None and peer is not None:
                yield comp_id, session, peer

    def _misfit(self, comp_id: str, peer: Peer) -> str | None:
        file = self._current.session(comp_id)
        if file is None:
            return None  # whoever took it out ends the session
        if self._tls is not None and not self._tls.trusts(peer):
            return "certificate-untrusted"
        return misfit(file, peer)
