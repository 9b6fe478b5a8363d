"""What the operator is told of connections over TLS."""

from pathlib import Path

from support.live_gateway import live_gateway, wait_until
from support.operator_line import ask
from support.tls_client import client_context, tls_peer
from support.tls_files import TlsFolder


async def test_encryption_and_certificates_are_shown(tmp_path: Path) -> None:
    """The list says who is encrypted; a wrong certificate is explained beside the right one."""
    files = TlsFolder(tmp_path / "files")
    right, other = files.partners.client(), files.partners.client("broker2", "Broker Two")
    files.logon("BROKER1", f'client_certificate = "{right.pin}"')
    state = tmp_path / "var"
    async with live_gateway(files.load(), state, config_dir=files.config) as live:
        context = client_context(files.ca_file, right)
        async with (
            await tls_peer(live, context, "BROKER1") as peer,
            await live.logged_on("BROKER2"),
        ):
            await peer.log_on()
            rows = (await ask(state, "sessions"))["sessions"]
        await live.wait_until_gone("BROKER1")

        context = client_context(files.ca_file, other)
        async with await tls_peer(live, context, "BROKER1") as stranger:
            await stranger.send("A", [(98, 0), (108, 60)])
            await stranger.until_closed()
        await wait_until(lambda: bool(live.logged.of("logon refused")))
        why = await ask(state, "why", reference="BROKER1")

    assert [row["tls"] for row in rows] == [True, False, None]
    assert (why["cause"], why["tls"]) == ("wrong-certificate", True)
    assert why["certificate"] == other.pin
    assert f"BROKER1 shows {right.pin}, and there was {other.pin}" in why["right"]
