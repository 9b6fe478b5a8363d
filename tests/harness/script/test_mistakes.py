from pathlib import Path

import pytest
from support.scenario_rig import script_of

from kk99fix.harness.script.lines import ScriptError

PARTY = "party A sender=BROKER1 target=KK99\n"
RAW = "party A sender=BROKER1 target=KK99 raw\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("  A logon", 1, "a line that begins with blanks goes on with the one before"),
        ('note "open', 1, "a quote"),
        ("prty A", 1, "'prty' is neither a verb nor a party; is it party?"),
        (PARTY + "B logon", 2, "'B' is neither a verb nor a party"),
        (PARTY + "A", 2, "what does A do? Verbs of a party are connect, logon, send"),
        (PARTY + "A sned D", 2, "no verb is called 'sned'; is it send"),
        (PARTY + "A send", 2, "the message is missing. Right is: PARTY send MESSAGE"),
        (PARTY + "A send NewOrderSingel", 2, "is it NewOrderSingle?"),
        (PARTY + "A send D\n  Symbl=AAPL", 2, "no field is called 'Symbl'; is it Symbol or"),
        (PARTY + "A send D Symbol", 2, "'Symbol' is no field with a value, as in Symbol=AAPL"),
        (PARTY + "A send D Symbol>1", 2, "'Symbol>1' is no field with a value"),
        (PARTY + "A send D Side=BYU", 2, "no value of Side(54) is called 'BYU'; is it BUY"),
        (
            PARTY + "A expect 8 ExecType=NEW|TRADED",
            2,
            "no value of ExecType(150) is called 'TRADED'; is it",
        ),
        (PARTY + "A send D MsgSeqNum=5", 2, "the session layer of A writes MsgSeqNum(34)"),
        (PARTY + "A send D !Symbol", 2, "declare `party A ... raw`"),
        (PARTY + "A expect 8 Symbol=", 2, "Symbol alone is any value, !Symbol is none"),
        (PARTY + "A expect 8 !Symbol=1", 2, "a field that has to be absent has no value"),
        (PARTY + "A expect 8 OrderID->1x", 2, "'1x' is no name"),
        (PARTY + "A expect 8 ClOrdID->", 2, "${ClOrdID} has a meaning of its own"),
        (PARTY + "A expect 8 within=soon", 2, "'soon' is no number of seconds"),
        (PARTY + "A expect 8 within=1 within=2", 2, "within= stands there twice"),
        (PARTY + "A expect nothing Symbol=1", 2, "'Symbol=1' is not expected behind nothing"),
        (PARTY + "A connect now", 2, "'now' is not expected. Right is: PARTY connect"),
        (PARTY + "A drop hard", 2, "'hard' is not expected. Right is: PARTY drop [reset]"),
        (PARTY + "A numbers", 2, "in= or out= is wanted"),
        (PARTY + "A numbers both=1", 2, "'both' is none of in=, out="),
        (PARTY + "A bytes 8=FIX 9=1", 2, "one text in quotes is wanted, and there are 2 words"),
        (PARTY + PARTY, 2, "there is a party A already"),
        ("party wait sender=A target=B", 1, "wait is a verb; take another name"),
        ("party A sender=B", 1, "target= is missing"),
        ("party A sender=B sender=C target=D", 1, "sender= stands there twice"),
        ("party", 1, "the name is missing. Right is: party NAME sender=COMPID"),
        ("default x", 1, "a name and a value are wanted"),
        ("set now 1", 1, "${now} has a meaning of its own"),
        ("wait -1", 1, "'-1' is no number of seconds"),
        ("wait", 1, "one number is wanted, and there are 0 words. Right is: wait SECONDS"),
        ("assert 1 = 2", 1, "two values with one of == != < <= > >= ~"),
        ("note ${now+}", 1, "${now+} means nothing; right are ${NAME}"),
        ("note ${open", 1, "a ${ is opened and not closed"),
        ("include", 1, "right is: include FILE"),
        ("include nowhere.inc", 1, "nowhere.inc cannot be read: No such file or directory"),
        ("include test.scenario", 1, "the includes go round in a circle"),
    ],
)
def test_a_mistake(text: str, line: int, said: str, tmp_path: Path) -> None:
    """What is wrong is named with its file and line, what was found, and what would be right."""
    with pytest.raises(ScriptError) as caught:
        script_of(tmp_path, text)

    assert str(caught.value).startswith(f"{tmp_path / 'test.scenario'}:{line}: ")
    assert said in str(caught.value)


def test_a_mistake_in_an_included_file(tmp_path: Path) -> None:
    """The error is about the file that has it."""
    (tmp_path / "more.inc").write_text("# fine\nwait soon\n")

    with pytest.raises(ScriptError, match=r"more\.inc:2: 'soon'"):
        script_of(tmp_path, "include more.inc")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """What cannot be read is an error of the script, not a traceback."""
    (tmp_path / "test.inc").write_bytes(b"\xff\xfe")

    with pytest.raises(ScriptError, match=r":1: .*it is not UTF-8 text"):
        script_of(tmp_path, "include test.inc")


def test_what_is_right(tmp_path: Path) -> None:
    """Comments, quotes, lines that go on, names and numbers; parameters are what has no value."""
    script = script_of(
        tmp_path,
        '# A title.\n\ndefault price 190 # a comment\nparty A sender="BRO KER" target=${venue}\n'
        'A send D 11=${ClOrdID:a}#1\n  # between\n  58="a # b" Price=${price+1}\nset x ${y}\n'
        "A expect 8 OrderID->z 6>=0\nnote ${z} ${host}\n",
    )

    assert script.title == "A title."
    assert script.parties == ("A",)
    assert script.parameters == ("venue", "y")
    assert [step.line.place.line for step in script.steps] == [3, 4, 5, 8, 9, 10]


def test_a_raw_party_may_write_everything(tmp_path: Path) -> None:
    """Fields of the header may be given and left out by hand."""
    script = script_of(tmp_path, RAW + "A send D MsgSeqNum=5 CheckSum=000 !SendingTime\n")

    assert len(script.steps) == 2
