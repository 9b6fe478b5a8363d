"""What a session demands of the connection that it comes over: TLS, and which certificate.

The chain of a certificate was verified in the handshake; here it is matched with the session's
file, at the logon and, for a live session, whenever files or CAs have changed.
"""

from typing import Literal

from kk99fix.config.certificates import ClientCertificate as Wanted
from kk99fix.config.certificates import Issued, Pin, plain_subject
from kk99fix.config.sessions import SessionFile
from kk99fix.gateway.peer import ClientCertificate, Peer

#: The causes, as `Refusal` and the ends of connections have them.
Misfit = Literal["tls-required", "no-certificate", "wrong-certificate"]


def misfit(file: SessionFile, peer: Peer) -> Misfit | None:
    """Why `peer` may not be this session; None when it may."""
    wanted = file.logon.client_certificate
    if (wanted or file.logon.require_tls) and not peer.tls:
        return "tls-required"
    if not wanted:
        return None
    if peer.certificate is None:
        return "no-certificate"
    shown = peer.certificate
    return None if any(_matches(each, shown) for each in wanted) else "wrong-certificate"


def _matches(wanted: Wanted, shown: ClientCertificate) -> bool:
    match wanted:
        case Pin(sha256):
            return shown.sha256 == sha256
        case Issued(ca, subject):
            return shown.issuer_name == ca and shown.subject == plain_subject(subject)
