"""One run of a certification, message by message, without a venue."""

import re

from support.config_folder import REPOSITORY

from kk99fix.harness.certification import report, scenarios
from kk99fix.harness.certification.examination import Examination, Patience, Seen
from kk99fix.harness.certification.report import Subject

CHOSEN = {"symbol": "TEST", "price": "95", "quantity": "100", "half": "50"}
PATIENCE = Patience(step_s=60, answer_s=5, mistakes_max=2)
SUBJECT = Subject("BROKER1", "the venue", "2026-09-21 14:30:00 UTC", "fix44")


def message(text: str, *, from_venue: bool = False) -> Seen:
    """A message in the `|` notation."""
    pairs = (field.partition("=") for field in text.split("|") if field)
    return Seen(from_venue, {int(tag): value for tag, _, value in pairs}, text)


class Run:
    """An examination, its time, and everything it said."""

    def __init__(self, *functions: str) -> None:
        """Begin."""
        known = scenarios.read()
        self.examination = Examination([known[name] for name in functions], CHOSEN, PATIENCE)
        self.now_s = 0.0
        self.said = self.examination.begin(0.0)

    def peer(self, text: str) -> list[str]:
        """Let the counterparty send; returns what is said then."""
        return self._say(self.examination.see(message(text), self.now_s))

    def venue(self, text: str) -> list[str]:
        """Let the venue send."""
        return self._say(self.examination.see(message(text, from_venue=True), self.now_s))

    def wait(self, seconds: float) -> list[str]:
        """Let time pass."""
        self.now_s += seconds
        return self._say(self.examination.tick(self.now_s))

    def _say(self, lines: list[str]) -> list[str]:
        self.said += lines
        return lines


ORDER = "35=D|11=a|55=TEST|54=1|38=100|40=2|44=95.00|"


def test_what_is_asked_for_and_comes_is_passed() -> None:
    """Each step is prompted, seen and answered; then the next; then the function is passed."""
    run = Run("cancel")
    assert run.said == [
        "Cancels (cancel)",
        "> Send a limit order that buys 100 TEST at 95.",
    ]
    assert run.peer(ORDER) == ["seen"]
    assert run.venue("35=8|150=0|11=a|") == [
        "answered: ExecutionReport(8) with ExecType(150)=0, ClOrdID(11)=a",
        "> Cancel that order.",
    ]
    run.peer("35=F|41=a|11=b|55=TEST|54=1|")
    run.venue("35=8|150=4|39=4|11=b|41=a|")
    run.peer("35=F|41=a|11=c|55=TEST|54=1|")
    said = run.venue("35=9|11=c|102=0|58=TOO_LATE; The order is no longer open.|")

    assert said[-1] == "cancel: passed"
    assert run.examination.done
    assert run.examination.passed == ["cancel"]


def test_the_run_in_the_documentation() -> None:
    """Line by line what an operator sees."""
    text = (REPOSITORY / "docs/certification.md").read_text()
    (shown,) = re.findall(r"--function cancel\n(.*?)report: ", text, re.DOTALL)
    run = Run("cancel")
    run.peer(ORDER.replace("11=a", "11=A-1"))
    run.venue("35=8|150=0|11=A-1|")
    run.peer("35=F|41=A-0|11=A-2|55=TEST|54=1|")
    run.venue("35=9|11=A-2|102=1|58=UNKNOWN_ORDER; The session has no order with this id.|")
    run.peer("35=F|41=A-1|11=A-3|55=TEST|54=1|")
    run.venue("35=8|150=4|39=4|11=A-3|41=A-1|")
    run.peer("35=F|41=A-1|11=A-4|55=TEST|54=1|")
    run.venue("35=9|11=A-4|102=0|58=TOO_LATE; The order is no longer open.|")

    assert run.said == shown.splitlines()


def test_a_wrong_message_is_said_exactly_and_asked_for_again() -> None:
    """Every field that is not as asked for; the second try counts."""
    run = Run("ioc")
    said = run.peer("35=D|11=a|55=TEST|54=1|38=10|40=2|44=95|")
    assert said == [
        "not what was asked for: OrderQty(38) is 10, asked for was 100; "
        "TimeInForce(59) is absent, asked for was 3",
        "once more: Send an order that buys 100 TEST at 95, immediate or cancel, "
        "while nobody sells.",
    ]
    run.venue("35=8|150=0|11=a|")
    run.peer("35=D|11=b|55=TEST|54=1|38=100|40=2|44=95|59=3|")
    run.venue("35=8|150=0|11=b|")
    run.venue("35=8|150=4|11=b|58=IOC_REMAINDER; gone|")

    (result,) = run.examination.results
    assert result.passed
    assert len(result.steps[0].mistakes) == 1


def test_as_many_mistakes_as_are_allowed_end_the_function_not_the_run() -> None:
    """The next function is asked for, and the report says why the first was not passed."""
    run = Run("fok", "cancel")
    run.peer("35=D|11=a|55=TEST|54=2|38=100|40=2|44=95|59=4|")
    said = run.peer("35=F|11=b|41=a|55=TEST|54=1|")

    assert said[1] == (
        "fok: NOT passed: MsgType(35) is F, asked for was D; OrderQty(38) is absent, asked for "
        "was 100; OrdType(40) is absent, asked for was 2; Price(44) is absent, asked for was 95; "
        "TimeInForce(59) is absent, asked for was 4"
    )
    assert said[2:] == ["Cancels (cancel)", "> Send a limit order that buys 100 TEST at 95."]


def test_an_engine_that_rejects_the_venue_has_failed() -> None:
    """A Reject(3) of a report ends the function at once."""
    run = Run("cancel")
    run.peer(ORDER)
    said = run.peer("35=3|45=2|58=Invalid tag number|")

    assert said[0] == (
        "cancel: NOT passed: the counterparty's engine rejected a message of the venue: "
        "Invalid tag number"
    )
    assert run.examination.done
    assert run.examination.passed == []


def test_a_refusal_and_a_missing_answer_are_mistakes() -> None:
    """The venue's own words are told, and what did not come."""
    run = Run("cancel")
    run.peer(ORDER)
    said = run.venue("35=8|150=8|11=a|58=MAX_ORDER_QTY; limit=10|")
    assert said[0] == "not what was asked for: the venue refused it: MAX_ORDER_QTY; limit=10"
    run.peer(ORDER.replace("11=a", "11=b"))
    assert run.wait(4.9) == []
    assert run.wait(0.2)[0] == (
        "not what was asked for: the venue's answer did not come: "
        "ExecutionReport(8) with ExecType(150)=0, ClOrdID(11)=b"
    )
    assert run.examination.done


def test_a_step_that_nobody_takes_ends_its_function() -> None:
    """Politely: after its time, with how long that was."""
    run = Run("cancel", "fok")
    assert run.wait(59) == []
    assert run.wait(1)[0] == "cancel: NOT passed: nothing came within 60 seconds"
    run.examination.give_up("the operator ended the run")

    assert [result.reason for result in run.examination.results] == [
        "nothing came within 60 seconds",
        "the operator ended the run",
    ]


def test_what_keeps_a_session_going_is_passed_over() -> None:
    """Heartbeats, tests and what is sent again are no answers to what was asked for."""
    run = Run("cancel")

    assert run.peer("35=0|") == run.peer("35=1|112=x|") == run.peer(f"{ORDER}43=Y|") == []
    assert run.venue("35=8|150=I|11=z|") == []


def test_reports_say_what_was_seen_with_names() -> None:
    """Both forms have verdict, reasons, mistakes and messages, and HTML shows text as text."""
    run = Run("cancel", "logout")
    run.peer("35=D|11=<b>|55=TEST|54=2|38=100|40=2|44=95|")
    run.wait(60)
    run.peer("35=5|58=bye|")
    run.venue("35=5|")
    run.peer("35=A|34=9|108=30|")
    run.venue("35=A|34=9|108=30|")
    results = run.examination.results

    text = report.markdown(SUBJECT, results, report.names())
    assert "dialect fix44: NOT passed: 1 of 2 functions." in text
    assert "| Cancels (`cancel`) | **not passed** | nothing came within 60 seconds |" in text
    assert "- mistake: Side(54) is 2, asked for was 1" in text
    assert r"from the counterparty: MsgType(35)=D NEW_ORDER_SINGLE, ClOrdID(11)=\<b\>" in text
    assert "Side(54)=2 SELL" in text

    page = report.html(SUBJECT, results, report.names())
    assert "ClOrdID(11)=&lt;b&gt;" in page
    assert "<b>|" not in page
    assert page.count("<h2>") == 2


def test_what_a_counterparty_writes_is_shown_and_no_more() -> None:
    """Its text is neither a tag nor a link of the Markdown, wherever it stands."""
    run = Run("cancel")
    run.peer("35=D|11=a|55=![x](http://x/)|54=1|38=100|40=2|44=95|58=`<i>`|")
    run.peer("35=j|58=<b>a|")

    text = report.markdown(SUBJECT, run.examination.results, report.names())
    lines = [line for line in text.splitlines() if not line.startswith(" " * 9)]
    shown = re.sub(r"\\.", "", "\n".join(lines))
    assert r"Symbol(55)=!\[x\](http://x/)" in text
    assert r"Text(58)=\`\<i\>\`" in text
    assert "| **not passed** |" in text
    assert not {"<", "[", ">"} & set(shown)
