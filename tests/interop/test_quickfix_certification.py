"""A QuickFIX engine is certified: with the dictionary that it was handed, and all validation on."""

from pathlib import Path

import pytest
from support import quickfix_engine
from support.certified_bot import Reader, asked
from support.config_folder import REPOSITORY
from support.gateway_process import GatewayProcess, copy_files
from support.quickfix_engine import QuickFixEngine

from kk99fix.commands.certify import conduct, planned
from kk99fix.commands.operator_client import ask
from kk99fix.fix.render_quickfix import file_name
from kk99fix.harness.certification.examination import Patience

pytestmark = pytest.mark.interop

FUNCTIONS = ["limit", "market", "ioc", "fok", "gtc", "cancel", "replace", "status", "mass-status"]
REST = ["refusal", "resend", "logout"]


def test_quickfix_passes(tmp_path: Path) -> None:
    """Every function, driven by the prompts alone; before it no order is taken, after it any."""
    quickfix_engine.require()
    copy_files(tmp_path, metrics_port=0, orders=10_000, duplicate_window=10_000, test_venue="true")
    session = tmp_path / "sessions" / "BROKER1.toml"
    names = ", ".join(f'"{name}"' for name in FUNCTIONS + REST)
    needs = f"\n[certification]\nfunctions = [{names}]\nrequire_certification = true\n"
    session.write_text(session.read_text() + needs)
    gateway, state = GatewayProcess(tmp_path), tmp_path / "var"
    gateway.start()
    dictionary = REPOSITORY / "docs/fix" / file_name("fix44")
    engine = QuickFixEngine(tmp_path, "BROKER1", gateway.port, dictionary)
    try:
        engine.wait("logon")
        order = {55: "AAPL", 54: 1, 38: 100, 40: 2, 44: "190"}
        engine.send("D", {11: "before", **order})
        refused = engine.wait("in", {35: 8, 11: "before", 150: 8})
        assert refused.fields[58].startswith("NOT_CERTIFIED; ")

        reader, said = Reader("BROKER1"), []

        def say(line: str) -> None:
            said.append(line)
            if asked(line):
                obey(engine, reader, asked(line))

        standing = ask(state, "certification", session="BROKER1")
        results = conduct(state, planned(standing, (), None, Patience(30, 5, 1)), say)
        assert [(r.name, r.reason) for r in results if not r.passed] == [], "\n".join(said)
        assert len(results) == len(FUNCTIONS + REST)

        engine.send("D", {11: "after", **order})
        engine.wait("in", {35: 8, 11: "after", 150: 0})
    finally:
        engine.close()
        gateway.close()


def obey(engine: QuickFixEngine, reader: Reader, ask: str) -> None:
    """Do with the engine what a prompt asks for."""
    if ask.startswith("Log out"):
        engine.say("logout")
    elif ask.startswith("Log on again"):
        engine.wait("logout")
        engine.say("logon")
    elif "ResendRequest(2)" in ask:
        engine.close()
        engine.start_again(next_in=1)
        engine.wait("logon")
    else:
        msg_type, fields = reader.message(ask)
        engine.send(msg_type, dict(fields))
