import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trustme
from support.acceptor import Acceptor, now_ns
from support.live_gateway import Live, live_gateway
from support.scenario_rig import script_of
from support.tls_files import TlsFolder

from kk99fix.harness.client import Identity
from kk99fix.harness.misbehaving.catalog import Target, catalog, run, scenarios_at
from kk99fix.harness.scenario import Scenario, StreamOpener
from kk99fix.harness.script.library import find
from kk99fix.harness.script.outcome import Outcome, Verdict
from kk99fix.harness.script.parse import read
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


@asynccontextmanager
async def our_gateway(folder: Path) -> AsyncIterator[tuple[Live, StreamOpener]]:
    """Serve over TLS, and give what connects there with a certificate."""
    files, pair = TlsFolder(folder / "files"), folder / "client.pem"
    shown = files.partners.client()
    pair.write_bytes(shown.key + shown.chain)
    open_stream = opener(context_of(files.ca_file, pair), "localhost")
    settings, state = files.load(), folder / "var"
    async with live_gateway(settings, state, config_dir=files.config) as live:
        yield live, open_stream


async def test_the_scripts_of_the_package_over_tls(tmp_path: Path) -> None:
    """Against our gateway's TLS listener they hold as they do in clear."""
    async with our_gateway(tmp_path) as (live, open_stream):
        for name in ("first_trade", "partial_fills"):
            scenario = Scenario(HOST, live.tls_port, open_stream=open_stream)
            outcome = await play(read(find(name)), scenario, {})
            assert outcome.passed, outcome.complaint
            for comp_id in ("BROKER1", "BROKER2"):
                await live.wait_until_gone(comp_id)


@pytest.mark.parametrize(
    "name", ["gap", "absurd-length", "half-message", "mid-message-reset", "flood", "mutants"]
)
async def test_misbehaving_over_tls(name: str, tmp_path: Path) -> None:
    """What is encrypted gets the same answers; a reset leaves a record of TLS cut in two."""
    async with our_gateway(tmp_path) as (live, open_stream):
        bad, good = Identity("BROKER1", "KK99"), Identity("BROKER2", "KK99")
        target = Target(host=HOST, port=live.tls_port, bad=bad, good=good)
        outcome, _ = await run(catalog()[name], target, scenarios_at(target, open_stream))
        assert [line for line in live.logged.lines if "fault" in line["event"]] == []

    assert outcome.passed, f"{outcome.complaint}\n{outcome.transcript.text[-4000:]}"
