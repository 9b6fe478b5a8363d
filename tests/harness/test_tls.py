import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trustme
from support.acceptor import Acceptor, now_ns
from support.scenario_rig import script_of

from kk99fix.harness.scenario import Scenario
from kk99fix.harness.script.outcome import Outcome, Verdict
from kk99fix.harness.script.play import play
from kk99fix.harness.tls import TlsFileError, context_of, opener

HOST = "127.0.0.1"
SCRIPT = """\
party A sender=BROKER1 target=KK99
A logon reset
A send TestRequest TestReqID=${TestReqID}
A expect Heartbeat TestReqID=${TestReqID}
A logout
"""


class Authority:
    """A CA with its files below a folder."""

    def __init__(self, folder: Path) -> None:
        """Make the CA."""
        self.ca = trustme.CA()
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.ca.cert_pem.bytes())

    def server(self, *, client_asked: bool = False) -> ssl.SSLContext:
        """Return a server's context; with `client_asked` clients need a certificate of this CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(HOST).configure_cert(context)
        if client_asked:
            context.verify_mode = ssl.CERT_REQUIRED
            self.ca.configure_trust(context)
        return context


@asynccontextmanager
async def served(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve our session layer over TLS while the block runs."""

    async def serve(stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            await Acceptor(stream).run()
        except trio.BrokenResourceError:
            return

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_ssl_over_tcp_listeners(
            0, context, host=HOST, https_compatible=True
        )
        listener = listeners[0].transport_listener
        assert isinstance(listener, trio.SocketListener)
        port = listener.socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        yield port
        nursery.cancel_scope.cancel()


async def played(folder: Path, port: int, context: ssl.SSLContext) -> Outcome:
    """Play a script over TLS."""
    scenario = Scenario(HOST, port, clock_ns=now_ns, open_stream=opener(context))
    return await play(script_of(folder, SCRIPT), scenario, {})


async def test_a_script_over_tls(tmp_path: Path) -> None:
    """The other side's certificate is checked against the CA, and everything else is as before."""
    authority = Authority(tmp_path)
    async with served(authority.server()) as port:
        outcome = await played(tmp_path, port, context_of(authority.file))

    assert outcome.passed, outcome.complaint


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    """It is an error of the run: there is no connection, and the text says why."""
    async with served(Authority(tmp_path).server()) as port:
        outcome = await played(tmp_path, port, context_of())

    assert outcome.verdict is Verdict.ERROR
    assert "no TLS: " in outcome.complaint
    assert "certificate verify failed" in outcome.complaint


@pytest.mark.parametrize("shown", [True, False])
async def test_an_acceptor_that_asks_for_a_certificate(tmp_path: Path, *, shown: bool) -> None:
    """With one the script passes; without one the connection ends before the logon is answered."""
    authority = Authority(tmp_path)
    leaf, pair = authority.ca.issue_cert("broker1"), tmp_path / "client.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(pair)
    context = context_of(authority.file, pair if shown else None)
    async with served(authority.server(client_asked=True)) as port:
        outcome = await played(tmp_path, port, context)

    assert outcome.passed is shown
    assert shown or "expected Logon(A), but the connection ended" in outcome.complaint


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    """The file and the reason are named."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")

    with pytest.raises(TlsFileError, match=r"nowhere\.pem is no file of CA certificates: No such"):
        context_of(tmp_path / "nowhere.pem")
    with pytest.raises(TlsFileError, match=r"wrong\.pem is no file of CA certificates"):
        context_of(wrong)
    with pytest.raises(TlsFileError, match=r"wrong\.pem with the key in it cannot be shown"):
        context_of(None, wrong)
