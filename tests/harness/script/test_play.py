import base64
import re
import textwrap
from pathlib import Path

import pytest
from support.scenario_rig import HEAD, rigged, script_of
from trio.testing import MockClock

from kk99fix.fix.message import Message
from kk99fix.harness.script.outcome import Outcome, Verdict
from kk99fix.harness.transcript import Kind
from kk99fix.session.effects import Send

ORDER = (
    "A send D ClOrdID=${ClOrdID:a} Symbol=AAPL Side=BUY OrderQty=100 OrdType=MARKET\n"
    "  TransactTime=${now}\n"
)


async def played(folder: Path, clock: MockClock, text: str, **variables: str) -> Outcome:
    """Play a script against an acceptor that reports every order as new; time jumps."""
    script = script_of(folder, textwrap.dedent(text))
    async with rigged() as rig:
        outcome = await rig.play(script, variables)
    assert clock.current_time() >= outcome.seconds
    return outcome


async def test_every_verb(tmp_path: Path, autojump_clock: MockClock) -> None:
    """A script of all verbs passes where everything comes as it says."""
    outcome = await played(
        tmp_path,
        autojump_clock,
        """\
        default side BUY
        default symbol AAPL
        set price ${one+189.5}
        within 3
        party A sender=BROKER1 target=KK99 heartbeat=30
        party B sender=BROKER1 target=KK99 raw
        note it begins
        A connect
        A logon reset
        A send NewOrderSingle ClOrdID=${ClOrdID} 55=${symbol} Side=${side} OrderQty=100
          OrdType=MARKET Text="two words" TransactTime=${now}
        A expect ExecutionReport ClOrdID=${ClOrdID} Side=${side} OrdStatus=NEW|FILLED Price=190.50
          Price=${price} LeavesQty>0 CumQty<=0 Text="two words" OrderID !OrdRejReason
          ExecType!=TRADE Symbol=A?P* OrderID->order LeavesQty->
        assert ${order} == O1
        assert ${LeavesQty} == 100.0
        assert ${LeavesQty+1} > 100
        assert ${order} ~ O*
        assert ${order} != O2
        A send TestRequest TestReqID=${TestReqID}
        A expect Heartbeat TestReqID=${TestReqID}
        A expect nothing within=2
        wait 1
        A logout bye
        A expect closed
        B connect
        B send Logon EncryptMethod=0 HeartBtInt=30 ResetSeqNumFlag=Y
        B expect Logon
        B send TestRequest TestReqID=x MsgSeqNum=9
        B expect ResendRequest BeginSeqNo=2 EndSeqNo=0
        B numbers out=2
        B bytes "8=FIX.4.4|9=*|35=0|49=BROKER1|56=KK99|34=2|52=${now}|43=Y|122=${now-60}|10=*|"
        B numbers out=3
        B send SequenceReset GapFillFlag=Y PossDupFlag=Y OrigSendingTime=${now-60} NewSeqNo=9
        B find Heartbeat TestReqID=x
        B drop
        """,
        one="1",
    )

    assert outcome.passed, outcome.complaint
    assert outcome.steps_done == 33
    assert "-- it begins" in outcome.transcript.text
    assert "Side(54)=1 BUY" in outcome.transcript.text
    assert "two words" in outcome.transcript.text


@pytest.mark.parametrize(
    ("text", "verdict", "line", "said"),
    [
        (ORDER + "A expect 8 ExecType=TRADE", "failed", 5, "ExecType(150)=F TRADE, received 0 NEW"),
        (ORDER + "A expect 9", "failed", 5, "expected OrderCancelReject(9), received Execution"),
        (ORDER + "A expect 8 Text", "failed", 5, "expected Text(58)=*, received no such field"),
        (ORDER + "A expect 8 !Symbol", "failed", 5, "expected no Symbol(55), received AAPL"),
        (ORDER + "A expect 8 LeavesQty>100", "failed", 5, "LeavesQty(151)>100, received 100"),
        (ORDER + 'A expect 8 Symbol="A*"', "failed", 5, "Symbol(55)=A*, received AAPL"),
        (ORDER + "A expect 8 ClOrdID->id\nA expect 8 ClOrdID=${id}", "failed", 6, "within 5 s"),
        (ORDER + "A find 8 ExecType=TRADE within=2", "failed", 5, "did not come within 2 s"),
        (ORDER + "A expect nothing", "failed", 5, "expected nothing, received ExecutionReport(8)"),
        (ORDER + "A expect closed", "failed", 5, "expected the end, received ExecutionReport(8)"),
        ("A expect closed within=1", "failed", 3, "A: still connected after 1 s"),
        ("A connect", "failed", 3, "A is connected already"),
        ("A logon", "failed", 3, "A is logged on already"),
        ("A drop\nA connect\nA send 0", "failed", 5, "A is not logged on"),
        ("party B sender=x target=y raw\nB logon next-expected", "failed", 4, "B is raw: it keeps"),
        ("A drop\nA send 0", "failed", 4, "A is not connected: closed"),
        ("A logout\nA logout", "failed", 4, "A is not connected: logout"),
        ("assert 1 == 2", "failed", 3, "'1' == '2' does not hold"),
        ("assert a < 2", "error", 3, "only numbers are smaller or greater"),
        ("note ${nobody}", "error", 3, "${nobody} has no value; give it one by --set nobody=..."),
        ("note ${env:KK99_NOT_SET}", "error", 3, "the environment has no KK99_NOT_SET"),
        ("A expect 8 ClOrdID=${ClOrdID}", "error", 3, "A has sent no ClOrdID so far"),
        ("set x abc\nnote ${x+1}", "error", 4, "x is 'abc', which is no number"),
        ("set x 1e999999999\nnote ${x+1}", "error", 4, "'1e999999999' is too large to count"),
        ("note ${now+99999999999999}", "error", 3, "${now+99999999999999} is no moment of the"),
        ("note ${now-99999999999999999999:6}", "error", 3, "is no moment of the years 1 to 9999"),
        ("set x abc\nwait ${x}", "error", 4, "'abc' is no number of seconds"),
        ("set x BYU\nA send D Side=${x}", "error", 4, "no value of Side(54) is called 'BYU'"),
        ("set x soon\nA drop\nA logon ${x}", "error", 5, "'soon' is no way to log on: reset and"),
        ('party C sender="" target=x', "error", 3, "sender= is empty: a CompID is wanted"),
        ("party C sender=x target=x totp_seed=18", "error", 3, "totp_seed= is no Base32"),
        ("party C sender=x target=x signing_key=ab", "error", 3, "64 hex digits are wanted"),
        ("party C sender=x target=x heartbeat=x", "error", 3, "heartbeat='x': a whole number"),
        ("A numbers in=x", "error", 3, "in='x': a whole number is wanted"),
    ],
)
async def test_what_does_not_hold(
    text: str, verdict: str, line: int, said: str, tmp_path: Path, autojump_clock: MockClock
) -> None:
    """The first step that does not hold ends the run, and is told with its line and the reason."""
    outcome = await played(tmp_path, autojump_clock, HEAD + text)

    assert outcome.verdict.value == verdict, outcome.complaint
    assert f"test.scenario:{line}: " in outcome.complaint
    assert said in outcome.complaint
    assert said in outcome.transcript.text


async def test_nobody_listens(tmp_path: Path) -> None:
    """A connection that is refused is an error of the run, not a failure of the other side."""
    script = script_of(tmp_path, HEAD)
    async with rigged() as rig:
        outcome = await rig.play(script, host="nowhere")

    assert outcome.verdict is Verdict.ERROR
    assert "nobody listens on nowhere:1" in outcome.complaint


async def test_a_logon_that_is_refused(tmp_path: Path, autojump_clock: MockClock) -> None:
    """The text of the other side is in the complaint."""
    outcome = await played(
        tmp_path, autojump_clock, HEAD.replace("A logon reset", "A numbers in=5 out=5\nA logon")
    )
    other = await played(tmp_path, autojump_clock, HEAD.replace("BROKER1", "NOBODY"))

    assert outcome.passed, outcome.complaint  # a number too high is no refusal
    assert "expected Logon(A), but the connection ended: connection-closed" in other.complaint


async def test_groups_are_expected_in_their_order(tmp_path: Path) -> None:
    """The n-th mention of a field is about its n-th occurrence."""

    def with_parties(_: Message) -> list[Send]:
        return [Send(b"8", ((453, b"2"), (448, b"X"), (452, b"1"), (448, b"Y"), (452, b"3")))]

    wanted = "A expect 8 NoPartyIDs=2 PartyID=X PartyRole=1 PartyID={} PartyRole=3"
    complaints = []
    for second in ("Y", "Z"):
        script = script_of(tmp_path, HEAD + ORDER + wanted.format(second))
        async with rigged() as rig:
            rig.answer = with_parties
            complaints.append((await rig.play(script)).complaint)

    assert complaints[0] == ""
    assert "expected PartyID(448)=Z, received Y" in complaints[1]


async def test_secrets_are_never_shown(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords and RawData(96) are hidden by tag, and what came from the environment by text."""
    monkeypatch.setenv("KK99_TEST_PASSWORD", "canary-env")
    outcome = await played(
        tmp_path,
        autojump_clock,
        """\
        party A sender=BROKER1 target=KK99 username=one password=${env:KK99_TEST_PASSWORD}
        party B sender=BROKER1 target=KK99 raw password=${given}
        A logon reset RawDataLength=10 RawData=canary-raw
        A send D ClOrdID=${ClOrdID} Symbol=AAPL Side=BUY OrderQty=1 OrdType=MARKET
          TransactTime=${now} Text=${env:KK99_TEST_PASSWORD}
        A drop
        B logon reset 925=canary-new
        B bytes "8=FIX.4.4|9=5|35=A|554=canary-bytes|10=000|"
        note ${given} canary-raw
        B expect 8 Text=${given}
        """,
        given="canary-set",
    )
    told = [outcome.complaint, outcome.transcript.text, str(outcome.json()), repr(outcome)]

    assert outcome.verdict is Verdict.FAILED
    assert "Password(554)=***" in outcome.transcript.text
    assert [text for text in told if "canary" in text] == []


async def test_a_secret_with_a_backslash(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is hidden also where its bytes are shown escaped, sent by us or echoed to us."""
    monkeypatch.setenv("KK99_TEST_PASSWORD", "canary\\of")
    outcome = await played(
        tmp_path,
        autojump_clock,
        """\
        party A sender=BROKER1 target=KK99 username=one password=${env:KK99_TEST_PASSWORD}
        A logon reset
        A send D ClOrdID=${ClOrdID} Symbol=AAPL Side=BUY OrderQty=1 OrdType=MARKET
          TransactTime=${now} Text=${env:KK99_TEST_PASSWORD}
        A expect 8 Text="*no"
        """,
    )
    told = [outcome.complaint, outcome.transcript.text, str(outcome.json())]

    assert outcome.verdict is Verdict.FAILED
    assert "Text(58)=***" in outcome.transcript.text
    assert [text for text in told if "canary" in text] == []


async def test_what_a_party_logs_on_with(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A one-time code or a signature goes into RawData(96), and none of it is ever shown.

    A secret of the command line may be in the environment; what is empty is not sent.
    """
    monkeypatch.setenv("KK99_TEST_SEED", base64.b32encode(b"canary-seed-20-bytes").decode())
    outcome = await played(
        tmp_path,
        autojump_clock,
        """\
        default seed none
        default word ""
        party A sender=BROKER1 target=KK99 username=${word} password=${word} totp_seed=${seed}
        party B sender=BROKER1 target=KK99 raw signing_key=${key}
        default how reset
        A logon ${how}
        A logout
        B logon ${how}
        note ${seed} ${key}
        """,
        seed="${env:KK99_TEST_SEED}",
        key="5c" * 32,
    )
    first, second = (
        each.message
        for each in outcome.transcript.entries
        if each.kind is Kind.SENT and each.message is not None and each.message.msg_type == b"A"
    )

    assert outcome.passed, outcome.complaint
    assert re.fullmatch(rb"TOTP \d{6}", first.get(96) or b"")
    assert (first.get(553), first.get(554)) == (None, None)
    assert len(base64.b64decode(second.get(96) or b"")) == 64
    assert "RawData(96)=***" in outcome.transcript.text
    assert "-- *** ***" in outcome.transcript.text


async def test_a_secret_of_the_command_line_that_is_not_there(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Nothing is connected."""
    outcome = await played(tmp_path, autojump_clock, HEAD, x="${env:KK99_NOT_SET}")

    assert (outcome.verdict, outcome.steps_done) == (Verdict.ERROR, 0)
    assert "--set: ${env:KK99_NOT_SET}: the environment has no KK99_NOT_SET" in outcome.complaint


async def test_ids_are_new_in_what_is_sent_and_the_newest_elsewhere(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """A label is the same id everywhere."""
    outcome = await played(
        tmp_path,
        autojump_clock,
        HEAD
        + ORDER.replace("ClOrdID:a", "ClOrdID") * 2
        + "A expect 8 ClOrdID=id-1\nA expect 8 ClOrdID=${ClOrdID}\n"
        + ORDER
        + ORDER
        + "A expect 8 ClOrdID=id-3\nA expect 8 ClOrdID=${ClOrdID:a}\n",
    )

    assert outcome.passed, outcome.complaint


async def test_a_party_behind_the_scene_is_kept_alive(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """While the script waits, each session layer answers and sends its heartbeats."""
    outcome = await played(
        tmp_path, autojump_clock, HEAD + "wait 200\n" + ORDER + "A expect 8\nA logout"
    )

    assert outcome.passed, outcome.complaint
    assert outcome.seconds >= 200
    assert outcome.transcript.text.count("-> Heartbeat(0)") >= 6
