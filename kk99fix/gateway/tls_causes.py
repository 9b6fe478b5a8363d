"""Why a handshake failed, in words for the log and the operator.

The other side is told nothing: the alert that TLS would send is dropped.
"""

import enum
import ssl
from typing import Final


class TlsCause(enum.StrEnum):
    """Causes of connections that end in the handshake."""

    #: The first byte was no TLS.
    NOT_TLS = "not-tls"
    TIMEOUT = "tls-timeout"
    #: More than one address may begin.
    RATE = "tls-rate"
    #: So many handshakes wait to be computed.
    BUSY = "tls-busy"
    TOO_LONG = "tls-too-long"
    #: The counterparty closed, or said why it does not like us: our certificate, mostly.
    CLOSED = "tls-closed"
    PEER_REFUSED = "tls-peer-refused"
    VERSION = "tls-version"
    CIPHER = "tls-cipher"
    CERTIFICATE_MISSING = "certificate-missing"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    #: No chain to a CA of [tls.client_ca].
    CERTIFICATE_UNTRUSTED = "certificate-untrusted"
    #: Not made for clients, or its CA is none.
    CERTIFICATE_PURPOSE = "certificate-purpose"
    CERTIFICATE_BROKEN = "certificate-broken"
    FAILED = "tls-failed"


#: X509_V_ERR_* of OpenSSL.
_OF_VERIFICATION: Final = {
    2: TlsCause.CERTIFICATE_UNTRUSTED,  # no certificate of the issuer
    9: TlsCause.CERTIFICATE_NOT_YET_VALID,
    10: TlsCause.CERTIFICATE_EXPIRED,
    18: TlsCause.CERTIFICATE_UNTRUSTED,  # self-signed
    19: TlsCause.CERTIFICATE_UNTRUSTED,  # self-signed in the chain
    20: TlsCause.CERTIFICATE_UNTRUSTED,  # no issuer here
    21: TlsCause.CERTIFICATE_UNTRUSTED,  # a chain of one
    24: TlsCause.CERTIFICATE_PURPOSE,  # issued by what is no CA
    26: TlsCause.CERTIFICATE_PURPOSE,
    79: TlsCause.CERTIFICATE_PURPOSE,  # issued by what is no CA, strictly
}
_OF_REASON: Final = {
    "UNSUPPORTED_PROTOCOL": TlsCause.VERSION,
    "UNKNOWN_PROTOCOL": TlsCause.VERSION,
    "VERSION_TOO_LOW": TlsCause.VERSION,
    "NO_PROTOCOLS_AVAILABLE": TlsCause.VERSION,
    "NO_SHARED_CIPHER": TlsCause.CIPHER,
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": TlsCause.CERTIFICATE_MISSING,
    "BAD_SIGNATURE": TlsCause.CERTIFICATE_BROKEN,
}


def cause_of(error: ssl.SSLError) -> tuple[TlsCause, str]:
    """Return the cause of a failed handshake, and OpenSSL's word for it."""
    reason = error.reason or type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        cause = _OF_VERIFICATION.get(error.verify_code, TlsCause.CERTIFICATE_BROKEN)
        return cause, error.verify_message
    if "_ALERT_" in reason:
        return TlsCause.PEER_REFUSED, reason
    return _OF_REASON.get(reason, TlsCause.FAILED), reason
