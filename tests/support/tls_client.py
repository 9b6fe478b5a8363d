"""The client side of TLS in tests: contexts, and peers of a live gateway over them."""

import ssl
import tempfile
from pathlib import Path
from typing import Any

import trio

from support.live_gateway import Live
from support.live_peer import LivePeer
from support.tls_files import HOST, Pair


def client_context(
    ca_file: Path, pair: Pair | None = None, version: ssl.TLSVersion | None = None
) -> ssl.SSLContext:
    """A context that trusts `ca_file`, shows `pair` and speaks this version alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca_file)
    if pair is not None:
        with tempfile.TemporaryDirectory() as folder:
            pair.write(Path(folder), "client")
            context.load_cert_chain(Path(folder) / "client.pem", Path(folder) / "client.key")
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


async def tls_stream(live: Live, context: ssl.SSLContext) -> trio.SSLStream[trio.SocketStream]:
    """Connect to the TLS listener; the handshake comes with the first byte."""
    stream = await trio.open_tcp_stream(HOST, live.tls_port)
    return trio.SSLStream(stream, context, server_hostname="localhost")


async def tls_peer(live: Live, context: ssl.SSLContext, comp_id: str) -> LivePeer:
    """Connect a counterparty over TLS."""
    stream: Any = await tls_stream(live, context)
    return LivePeer(comp_id, stream)
