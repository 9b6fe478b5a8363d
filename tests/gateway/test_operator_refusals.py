"""What the operator is told about refused logons."""

import re
from pathlib import Path

import attrs
import pytest
from support.config_folder import REPOSITORY
from support.live_gateway import Live, small_settings, wait_until
from support.operator_line import ask

from kk99fix.config.load import Settings
from kk99fix.gateway.explanation import Step
from kk99fix.gateway.explanations import EXPLANATIONS
from kk99fix.gateway.operator_refusals import explained, known
from kk99fix.gateway.peer import ClientCertificate, Peer
from kk99fix.gateway.references import Reference
from kk99fix.gateway.refused_logons import KEPT_OF_A_CAUSE, RefusedLogon

LOGON = [(98, 0), (108, 60), (553, "broker1"), (554, "hunter2")]


async def refused(live: Live, comp_id: str, target: str = "KK99") -> str:
    """Have a logon refused; return its reference."""
    count = len(live.logged.of("logon refused"))
    async with await live.peer(comp_id) as peer:
        await peer.send("A", LOGON, target=target)
        assert await peer.until_closed() == []
    await wait_until(lambda: len(live.logged.of("logon refused")) > count)
    reference: str = live.logged.of("logon refused")[-1]["reference"]
    return reference


async def test_a_refusal_is_explained_by_its_reference(live: Live) -> None:
    """Who, when, from where, at which step, what is right and what to do; no secret."""
    reference = await refused(live, "BROKER9")
    answer = await ask(live.gateway.storage.state_dir, "why", reference=reference)

    assert answer["ok"]
    assert (answer["reference"], answer["cause"]) == (reference, "unknown-session")
    assert (answer["address"], answer["sender_comp_id"]) == ("127.0.0.1", "BROKER9")
    assert answer["step"] == Step.SESSION.number
    assert "alike are BROKER1, BROKER2" in answer["right"]
    assert "hunter2" not in str(answer)


async def test_the_newest_of_a_session_is_explained_by_its_name(live: Live) -> None:
    """An operator who is called does not have the reference."""
    await refused(live, "BROKER1", target="KK98")
    last = await refused(live, "BROKER1", target="KK97")
    answer = await ask(live.gateway.storage.state_dir, "why", reference="BROKER1")

    assert answer["reference"] == last
    answer = await ask(live.gateway.storage.state_dir, "why", reference="127.0.0.1")
    assert answer["reference"] == last
    assert answer["right"].endswith('the Logon(A) had "KK97"')


async def test_what_is_not_known_says_where_to_look(live: Live) -> None:
    """An old, a forgotten and a future reference, and a name, each get their own sentence."""
    state = live.gateway.storage.state_dir
    started = live.gateway.acceptor.refusals.newest_reference.started_ms
    for text, said in (
        (str(Reference(started - 86_400_000, 3)), "was given out by the gateway that started at"),
        (str(Reference(started, 1)), "has not been given out: the newest reference is"),
        ("BROKER1", "no refused logon of BROKER1 is known since"),
        ("BROKER9", "nothing is known of BROKER9, which is neither a session"),
    ):
        answer = await ask(state, "why", reference=text)
        assert not answer["ok"]
        assert said in answer["error"], text

    reference = await refused(live, "BROKER9")
    recent = live.gateway.acceptor.refusals.recent
    recent._by_reference.clear()
    answer = await ask(state, "why", reference=reference)
    assert f"known no more: the newest {KEPT_OF_A_CAUSE} refusals" in answer["error"]
    assert f'search the log for "{reference}"' in answer["error"]


async def test_the_newest_refusals_are_listed(live: Live) -> None:
    """Newest first, as many as wanted, with all causes counted."""
    state = live.gateway.storage.state_dir
    first = await refused(live, "BROKER8")
    second = await refused(live, "BROKER9")

    answer = await ask(state, "refusals")
    assert [row["reference"] for row in answer["refusals"]] == [second, first]
    assert answer["counts"] == {"unknown-session": 2}
    answer = await ask(state, "refusals", limit=1)
    assert [row["reference"] for row in answer["refusals"]] == [second]
    assert answer["kept"] == 2
    answer = await ask(state, "refusals", session="BROKER8", address="127.0.0.1")
    assert [row["reference"] for row in answer["refusals"]] == [first]
    answer = await ask(state, "refusals", cause="credentials")
    assert answer["refusals"] == []
    answer = await ask(state, "refusals", cause=7)
    assert answer["error"] == "\"cause\" of 'refusals' has to be text"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The shipped files, BROKER1 with a user name and a schedule."""
    key = 'reset_seq_num = "allowed"'
    hashed = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43
    return small_settings(
        tmp_path,
        broker1={key: f'username = "broker1"\npassword_hash = "{hashed}"'},
    )


@pytest.mark.parametrize("cause", sorted(EXPLANATIONS))
def test_every_explanation_can_be_given(settings: Settings, cause: str) -> None:
    """With and without a session's file, each has its words, and no place is left empty."""
    file = settings.sessions[0]
    for one in (
        RefusedLogon(
            *(Reference(1, 1), 10**18, cause, Peer("192.0.2.1"), None, "192.0.2.2"),
            *("BROKER1", "KK99", "someone", "8=FIX", file),
        ),
        RefusedLogon(Reference(1, 1), 10**18, cause, Peer("192.0.2.1")),
    ):
        explanation = EXPLANATIONS[cause]
        texts = (explanation.means, explanation.right(one, settings))
        named = (explanation.look, explanation.do)
        for text in (*texts, *(each.replace("{session}", "BROKER1") for each in named)):
            assert text.strip()
            assert "{" not in text
            assert "argon2" not in text


def test_what_a_session_proves_itself_with_is_known(settings: Settings) -> None:
    """A password, with a code where its file names a seed, or a signature."""
    file = settings.sessions[0]
    for changes, said in (
        ({}, "password"),
        ({"totp": "broker1"}, "password and one-time code"),
        ({"password_hash": None, "public_key": "key"}, "signature"),
        ({"password_hash": None}, None),
    ):
        changed = attrs.evolve(file, logon=attrs.evolve(file.logon, **changes))
        refused = RefusedLogon(Reference(1, 1), 1, "network", Peer("192.0.2.1"), file=changed)
        assert known(refused)["credential"] == said


@pytest.mark.parametrize(
    ("cause", "username", "said"),
    [
        ("network", None, "BROKER1 may log on from 127.0.0.0/8, ::1/128, and this was 192.0.2.1"),
        ("credentials", "brokr1", 'Username(553) has to be "broker1", and there was "brokr1"'),
        ("credentials", None, 'Username(553) has to be "broker1", and there was none'),
        ("credentials", "broker1", "Username(553) was right; Password(554) was not"),
        ("session-is-live", None, "and BROKER1 has one from 192.0.2.2"),
        ("outside-schedule", None, "BROKER1 is always open"),
        ("logon-timeout", None, "a whole Logon(A) within 5 s of the connect"),
    ],
)
def test_what_is_right_comes_from_the_files(
    settings: Settings, cause: str, username: str | None, said: str
) -> None:
    """The session's file, or venue.toml, says what would have been right."""
    one = RefusedLogon(
        *(Reference(1, 1), 10**18, cause, Peer("192.0.2.1"), None, "192.0.2.2"),
        *("BROKER1", "KK99", username, None, settings.sessions[0]),
    )

    assert said in EXPLANATIONS[cause].right(one, settings)


@pytest.mark.parametrize(
    ("sender", "target", "said"),
    [
        ("KK99", "BROKER1", 'SenderCompID(49) has to be "BROKER1" and 56 our name: they are'),
        ("broker1", "KK99", 'no session is "broker1"; alike are BROKER1'),
        ("ZZZ", "KK99", 'no session is "ZZZ"; there are BROKER1, BROKER2, DROPCOPY1'),
    ],
)
def test_an_unknown_session_is_told_what_may_be_meant(
    settings: Settings, sender: str, target: str, said: str
) -> None:
    """CompIDs that are swapped, of the wrong case, or quite another."""
    one = RefusedLogon(
        *(Reference(1, 1), 1, "unknown-session", Peer("192.0.2.1"), None, None, sender, target)
    )

    assert said in EXPLANATIONS["unknown-session"].right(one, settings)


def test_every_documented_cause_is_explained() -> None:
    """What docs/operations.md lists is what can be explained."""
    text = (REPOSITORY / "docs/operations.md").read_text()
    (table,) = re.findall(r"### Why a logon is refused\n(.*?)\n###", text, re.DOTALL)
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))

    assert documented == set(EXPLANATIONS)


async def test_a_changed_file_and_a_certificate_are_said(live: Live) -> None:
    """The explanation is about the file as it was; the certificate is shown by its fingerprint."""
    certificate = ClientCertificate(b"\x01" * 32, "CN=broker1")
    current = live.gateway.current
    other = current.session("BROKER2")
    one = RefusedLogon(
        *(Reference(1, 1), 10**18, "network", Peer("192.0.2.1", True, certificate), None, None),
        *("BROKER1", "KK99", None, None, other),
    )
    answer = explained(one, current)

    assert answer["file_changed"]
    assert answer["credential"] is None
    assert answer["tls"]
    assert answer["certificate"] == f"sha256:{'01' * 32}"
    assert answer["certificate_subject"] == "CN=broker1"
