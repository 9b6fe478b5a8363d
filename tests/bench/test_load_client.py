import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.fix_peer import Fields, FixPeer

THE_FAULTY_ORDER = "000000000003"


@pytest.fixture
def echo_port(tools: Path) -> Iterator[int]:
    """The port of a running echo server."""
    with subprocess.Popen([tools / "kk_echo"], stdout=subprocess.PIPE) as echo:
        assert echo.stdout is not None
        yield int(echo.stdout.readline().rpartition(b":")[2])
        echo.kill()


def load(tools: Path, port: int, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run the load client; return its exit code, figures and complaints."""
    command = [str(tools / "kk_load"), "--port", str(port), *options]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    figures = json.loads(done.stdout) if done.stdout else {}
    return done.returncode, figures, done.stderr.decode()


@pytest.mark.parametrize("mode", ["plain", "parties", "mix", "resting+cancel"])
def test_all_modes_run_against_the_floor(tools: Path, echo_port: int, mode: str) -> None:
    """Each flow is answered completely, with every checksum verified."""
    options = ["--sessions", "LOAD:3", "--window", "50", "--mode", mode, "--seconds", "0.2"]
    code, figures, complaints = load(
        tools, echo_port, *options, "--floor", "--verify-checksum", "--account", "-A"
    )

    assert (code, complaints) == (0, "")
    assert figures["answered"] > 0
    assert figures["whole_run"]["news"] == (
        figures["whole_run"]["orders"] + figures["whole_run"]["cancels"]
    )


def test_it_stops_after_the_wanted_operations(tools: Path, echo_port: int) -> None:
    """`--operations` is exact, over all sessions."""
    options = ["--sessions", "A,B", "--window", "7", "--operations", "100", "--seconds", "30"]
    code, figures, complaints = load(tools, echo_port, *options, "--floor", "--spin")

    assert (code, complaints) == (0, "")
    assert figures["whole_run"]["orders"] == 100


def test_a_rate_is_kept(tools: Path, echo_port: int) -> None:
    """`--rate` sends so many a second, in turn on all sessions, and never more."""
    options = ["--sessions", "A,B", "--window", "1000", "--rate", "2000", "--seconds", "0.5"]
    code, figures, complaints = load(tools, echo_port, *options, "--floor")

    assert (code, complaints) == (0, "")
    due = 2000 * figures["elapsed_s"]  # a run ends late on a busy machine
    assert due / 2 <= figures["whole_run"]["orders"] <= due + 20
    counts = [session["operations"] for session in figures["sessions"]]
    assert abs(counts[0] - counts[1]) <= 1


def test_numbers_go_on_from_where_they_are_told(tools: Path) -> None:
    """MsgSeqNum(34) starts at --next-out, and --next-in is what must come."""
    seen: list[str] = []

    def answer(peer: FixPeer, message: dict[int, str]) -> list[bytes]:
        seen.append(message[34])
        return [peer.message("8", new_report(peer, message))]

    with FixPeer(answer) as peer:
        peer.next_out = 40
        options = ["--next-out", "99", "--next-in", "40", "--operations", "2", "--id-base", "7"]
        code, figures, complaints = load(tools, peer.port, "--sessions", "LOAD0001", *options)

    assert (code, complaints) == (0, "")
    assert seen == ["100", "101"]
    # Logon, two orders and Logout each way.
    expected = {"comp_id": "LOAD0001", "next_out": 103, "next_in": 44, "operations": 2}
    assert figures["sessions"] == [expected]


def test_the_journal_holds_every_received_byte(tools: Path, tmp_path: Path) -> None:
    """`--journal` writes one file per session, from the Logon(A) to the Logout(5)."""
    sent: list[bytes] = []

    def answer(peer: FixPeer, message: dict[int, str]) -> list[bytes]:
        sent.append(peer.message("8", new_report(peer, message)))
        return sent[-1:]

    with FixPeer(answer) as peer:
        options = ["--sessions", "LOAD0001", "--operations", "5"]
        load(tools, peer.port, *options, "--journal", str(tmp_path / "received"))

    written = (tmp_path / "received.LOAD0001").read_bytes()
    assert b"".join(sent) in written
    assert b"\x0135=A\x01" in written[: written.index(sent[0])]


def new_report(peer: FixPeer, order: dict[int, str]) -> Fields:
    """Return the fields of a right New."""
    return [
        (37, 1),
        (17, peer.exec_id()),
        (150, 0),
        (39, 0),
        (11, order[11]),
        (55, order[55]),
        (54, order[54]),
        (38, order[38]),
        (151, order[38]),
        (14, 0),
        (6, 0),
    ]


def changed(fields: Fields, **values: object) -> Fields:
    """Return the fields with some replaced; t38=1 replaces OrderQty(38)."""
    news = {int(name[1:]): value for name, value in values.items()}
    kept = [(tag, news.pop(tag, value)) for tag, value in fields]
    return [*kept, *news.items()]


def _drop(peer: FixPeer, order: dict[int, str]) -> list[bytes]:  # noqa: ARG001 - one signature for all
    return []


def _double(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    return [peer.message("8", new_report(peer, order)) for _ in range(2)]


def _skip_a_number(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    peer.next_out += 1
    return [peer.message("8", new_report(peer, order))]


def _repeat_an_exec_id(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    peer.next_exec_id -= 1
    return [peer.message("8", new_report(peer, order))]


def _lose_a_lot(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    return [peer.message("8", changed(new_report(peer, order), t151=int(order[38]) - 1))]


def _name_another_order(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    right = peer.message("8", new_report(peer, order))
    return [right, peer.message("8", changed(new_report(peer, order), t11="000000099999"))]


def _cancel_unasked(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    right = peer.message("8", new_report(peer, order))
    return [right, peer.message("8", changed(new_report(peer, order), t150=4, t39=4, t151=0))]


def _fill_too_much(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    right = peer.message("8", new_report(peer, order))
    trade = changed(new_report(peer, order), t150="F", t39=2, t32=int(order[38]) + 1, t151=0)
    return [right, peer.message("8", trade)]


def _fill_with_a_wrong_sum(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    right = peer.message("8", new_report(peer, order))
    trade = changed(new_report(peer, order), t150="F", t39=1, t32=10, t14=11)
    return [right, peer.message("8", trade)]


def _refuse(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    report = changed(new_report(peer, order), t150=8, t39=8, t151=0)
    return [peer.message("8", report)]


def _reject(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    right = peer.message("8", new_report(peer, order))
    return [right, peer.message("3", [(45, order[34]), (373, 5)])]


def _send_a_wrong_length(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    right = peer.message("8", new_report(peer, order))
    return [right.replace(b"\x019=1", b"\x019=2", 1)]


def _send_a_wrong_checksum(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
    right = peer.message("8", new_report(peer, order))
    return [right[:-4] + b"%03d\x01" % ((int(right[-4:-1]) + 1) % 256)]


Fault = Callable[[FixPeer, dict[int, str]], list[bytes]]


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (_drop, "1 without their reports, first ClOrdID(11) 3"),
        (_double, "a second New"),
        (_skip_a_number, "MsgSeqNum(34) is not the next one"),
        (_repeat_an_exec_id, "ExecID(17) does not rise"),
        (_lose_a_lot, "New with wrong status, side or quantities"),
        (_name_another_order, "report for a ClOrdID(11) never sent"),
        (_cancel_unasked, "an order cancelled that nobody asked to cancel"),
        (_fill_too_much, "a fill of nothing or of more than is left"),
        (_fill_with_a_wrong_sum, "a fill whose quantities or status do not add up"),
        (_refuse, "order refused"),
        (_reject, "a message not asked for"),
        (_send_a_wrong_length, "garbled bytes"),
        (_send_a_wrong_checksum, "garbled bytes"),
    ],
)
def test_a_wrong_answer_is_found(tools: Path, fault: Fault, complaint: str) -> None:
    """One wrong answer among right ones makes exit code 1 and is printed."""

    def answer(peer: FixPeer, order: dict[int, str]) -> list[bytes]:
        if order[11] == THE_FAULTY_ORDER:
            return fault(peer, order)
        return [peer.message("8", new_report(peer, order))]

    with FixPeer(answer) as peer:
        options = ["--window", "2", "--operations", "6", "--seconds", "0.2", "--drain", "0.1"]
        code, _, complaints = load(
            tools, peer.port, "--sessions", "LOAD0001", *options, "--verify-checksum"
        )

    assert code == 1
    assert complaint in complaints
