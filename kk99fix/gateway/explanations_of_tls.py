"""Why a connection was refused for its TLS or its certificate, in words: see `explanations`."""

from typing import Final

from kk99fix.config.load import Settings
from kk99fix.config.sessions import SessionFile
from kk99fix.gateway.explanation import Explanation, Step, of_file, says
from kk99fix.gateway.refused_logons import RefusedLogon
from kk99fix.gateway.tls_causes import TlsCause


def _wanted(file: SessionFile, refused: RefusedLogon) -> str:
    """Which certificates the session may show, and which one came."""
    wanted = " or ".join(str(each) for each in file.logon.client_certificate) or "none asked for"
    shown = refused.peer.certificate
    was = "none" if shown is None else f"sha256:{shown.sha256.hex()}, {shown.shown_subject}"
    issuer = "" if shown is None or shown.issuer_name is None else f" of CA {shown.issuer_name}"
    return f"{file.comp_id} shows {wanted}, and there was {was}{issuer}"


def _authorities(_: RefusedLogon, settings: Settings) -> str:
    names = ", ".join(sorted(settings.venue.tls.client_ca)) or "none is named there"
    return f"a chain to one of the CAs of [tls.client_ca]: {names}"


def _time(_: RefusedLogon, settings: Settings) -> str:
    return f"a whole handshake within {settings.venue.tls.handshake_timeout_s} s of the connect"


def _rate(_: RefusedLogon, settings: Settings) -> str:
    own = settings.venue.tls
    return f"{own.handshakes_per_second} handshakes a second, {own.handshake_burst} at once"


def _handshake(means: str, right: str, look: str, do: str) -> Explanation:
    return Explanation(Step.TLS, means, says(right), look, do)


_TO_OPENSSL: Final = "`openssl s_client -connect HOST:PORT` from the counterparty's machine"
_THEIR_CERTIFICATE: Final = "`openssl x509 -noout -text -in FILE` on the counterparty's certificate"

TLS: Final = {
    "tls-required": Explanation(
        Step.CERTIFICATE,
        "its file asks for TLS, and it came over the plain port",
        says("the address that says `listening with TLS` at a start"),
        "require_tls and client_certificate of [logon] in the session's file; [tls] in venue.toml",
        "Have the counterparty connect to the TLS port, with TLS switched on in its engine",
    ),
    "no-certificate": Explanation(
        Step.CERTIFICATE,
        "its file asks for a client certificate, and none was shown",
        of_file(_wanted),
        "client_certificate of [logon] in the session's file",
        "Have the counterparty configure its certificate and key; engines show none to a listener "
        "that knows no CA of theirs, so look at [tls.client_ca] too",
    ),
    "wrong-certificate": Explanation(
        Step.CERTIFICATE,
        "the certificate is not one that its file names",
        of_file(_wanted),
        "client_certificate of [logon] in the session's file",
        "If the certificate is the counterparty's new one, add it to client_certificate and "
        "reload; if it is another firm's, somebody uses a CompID that is not theirs: tell both",
    ),
    TlsCause.NOT_TLS.value: _handshake(
        "the first byte on the TLS port was not TLS",
        "a TLS handshake first",
        "the counterparty's engine: plain FIX or HTTP on the TLS port looks like this",
        "Have them switch TLS on, or connect to the plain port if their session may",
    ),
    TlsCause.TIMEOUT.value: Explanation(
        Step.TLS,
        "the handshake did not come to its end in time",
        _time,
        "handshake_timeout_s of [tls] in venue.toml; kk99_tls_handshakes_waiting",
        "A monitor that only connects looks like this, and so does a slow or broken way; when many "
        "wait, the machine is flooded: `kk99fix ctl refusals` shows from where",
    ),
    TlsCause.RATE.value: Explanation(
        Step.TLS,
        "one address begins more handshakes than it may",
        _rate,
        "handshakes_per_second and handshake_burst of [tls] in venue.toml",
        "Have the engine wait between its attempts; raise the limits where many sessions share an "
        "address (they apply at the next start)",
    ),
    TlsCause.BUSY.value: _handshake(
        "too many handshakes wait to be computed",
        "fewer handshakes at once",
        "kk99_tls_handshakes_waiting; `kk99fix ctl refusals` shows from where they come",
        "It passes; if it does not, lower handshakes_per_second, or raise handshakes_at_once on a "
        "machine with cores to spare",
    ),
    TlsCause.TOO_LONG.value: _handshake(
        "the counterparty said more in its handshake than any engine does",
        "at most 32 KiB, its certificates included",
        _THEIR_CERTIFICATE,
        "Have them send the certificate and those up to the CA, and nothing else",
    ),
    TlsCause.CLOSED.value: _handshake(
        "the counterparty closed in the middle of the handshake",
        "a handshake that it carries to its end",
        "the counterparty's log; " + _TO_OPENSSL,
        "Mostly it did not like our certificate: give it the CA of ours, and the name in it",
    ),
    TlsCause.PEER_REFUSED.value: _handshake(
        "the counterparty said that it does not go on; the detail has its words",
        "a counterparty that trusts our certificate",
        "the counterparty's log; " + _TO_OPENSSL,
        "UNKNOWN_CA or CERTIFICATE_UNKNOWN: give it the CA of our certificate, and the name in "
        "it; CERTIFICATE_EXPIRED: renew ours",
    ),
    TlsCause.VERSION.value: _handshake(
        "the counterparty speaks no version that we do",
        "TLS 1.2 or 1.3",
        _TO_OPENSSL,
        "Have the counterparty's engine or its TLS library brought up to date",
    ),
    TlsCause.CIPHER.value: _handshake(
        "the counterparty has no cipher that we do",
        "for TLS 1.2 ECDHE with AES-GCM or ChaCha20-Poly1305, and a key of the kind of ours",
        _TO_OPENSSL,
        "Have such a cipher allowed at the counterparty's",
    ),
    TlsCause.CERTIFICATE_MISSING.value: Explanation(
        Step.TLS,
        "nobody gets in here without a certificate, and none was shown",
        _authorities,
        "require_client_certificate of [tls] in venue.toml",
        "Have the counterparty configure its certificate and key",
    ),
    TlsCause.CERTIFICATE_EXPIRED.value: _handshake(
        "the counterparty's certificate, or one above it, has expired",
        "a certificate that is valid now",
        _THEIR_CERTIFICATE,
        "Have them renew it; a pin in the session's file then has to be the new one's",
    ),
    TlsCause.CERTIFICATE_NOT_YET_VALID.value: _handshake(
        "the counterparty's certificate is not valid yet",
        "a certificate that is valid now",
        _THEIR_CERTIFICATE + "; our own clock, kk99_clock_error_seconds",
        "Wait, or have them use the one of before",
    ),
    TlsCause.CERTIFICATE_UNTRUSTED.value: Explanation(
        Step.TLS,
        "the counterparty's certificate has no chain to a CA that we know",
        _authorities,
        "[tls.client_ca] in venue.toml; " + _THEIR_CERTIFICATE,
        "Have them send those between certificate and CA too; add their CA, or a self-signed "
        "certificate itself, to [tls.client_ca] and reload",
    ),
    TlsCause.CERTIFICATE_PURPOSE.value: _handshake(
        "the counterparty's certificate was not made for clients",
        "extended key usage clientAuth, or none; a CA that is one",
        _THEIR_CERTIFICATE,
        "Have them issue one for clients; a server's certificate is none",
    ),
    TlsCause.CERTIFICATE_BROKEN.value: _handshake(
        "the counterparty's certificate or its proof is not right; the detail says how",
        "a certificate that its issuer signed, and the key of it",
        _THEIR_CERTIFICATE,
        "Have them look whether key and certificate belong together, and issue a new one",
    ),
    TlsCause.FAILED.value: _handshake(
        "the handshake failed; the detail has OpenSSL's words",
        "a handshake as RFC 5246 and RFC 8446 have it",
        _TO_OPENSSL,
        "Have the counterparty try with openssl; a device in between that changes bytes looks "
        "like this too",
    ),
}
