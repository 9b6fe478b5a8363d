"""Connections over TLS, for acceptors that ask for it.

`opener` gives what a scenario opens its connections with.  A certificate that nobody vouches for,
or a handshake that is refused, raises OSError as a refused connection does: its text says why.
"""

import ssl
from pathlib import Path

import trio

from kk99fix.harness.scenario import StreamOpener


class TlsFileError(Exception):
    """A file of certificates or keys cannot be used; the text says which and why."""


def context_of(
    ca_file: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Return a context that trusts a CA, the system's without one, and shows a certificate.

    Raises TlsFileError.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise TlsFileError(f"{ca_file} is no file of CA certificates: {_why(error)}") from error
    try:
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise TlsFileError(
            f"{certificate} with {key or 'the key in it'} cannot be shown: {_why(error)}"
        ) from error
    return context


def opener(context: ssl.SSLContext, server_name: str | None = None) -> StreamOpener:
    """Return what opens connections over TLS; without `server_name` the host is certified."""

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        plain = await trio.open_tcp_stream(host, port)
        stream = trio.SSLStream(
            plain, context, server_hostname=server_name or host, https_compatible=True
        )
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError as error:
            await plain.aclose()
            raise OSError(f"no TLS: {_why(error.__cause__ or error)}") from error
        return stream

    return open_stream


def _why(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
