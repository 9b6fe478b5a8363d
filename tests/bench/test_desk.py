"""The desks of the line `resending`, against an acceptor that resends as it is told."""

import json
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from support.fix_peer import STAMP, Fields, FixPeer, encode

#: Number and, for a gap fill, NewSeqNo(36).
Resend = list[tuple[int, int | None]]


def resent(number: int, new_seq_no: int | None) -> bytes:
    """Return a message as it is sent again."""
    kind = "8" if new_seq_no is None else "4"
    head: Fields = [(35, kind), (49, "KK99"), (56, "DESK"), (34, number), (43, "Y")]
    fields: Fields = [] if new_seq_no is None else [(123, "Y"), (36, new_seq_no)]
    return encode([*head, (52, STAMP), (122, STAMP), *fields])


def run_desk(tools: Path, days: list[Resend]) -> tuple[int, dict[str, Any], str]:
    """Let a desk fetch days of 6 messages; return exit code, figures and complaints."""
    asked = threading.Semaphore(0)
    left, begins = iter(days), list[str]()

    def answer(_peer: FixPeer, message: dict[int, str]) -> list[bytes]:
        assert (message[35], message[16]) == ("2", "0")
        begins.append(message[7])
        frames = [resent(*each) for each in next(left, [])]
        asked.release()
        return frames

    with FixPeer(answer) as peer:
        command = [str(tools / "kk_desk"), "127.0.0.1", str(peer.port), "DESK", "7", "6"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            for _ in range(len(days) + 1):
                asked.acquire(timeout=10)
            process.send_signal(signal.SIGTERM)
            told, complaints = process.communicate(timeout=10)
    assert begins == ["1", "2", "1"][: len(begins)]
    return process.returncode, json.loads(told.splitlines()[-1]), complaints


def test_days_are_fetched_over_and_over(tools: Path) -> None:
    """A whole day, gap fills counted by their numbers, is followed by the next request.

    It begins at 1 and at 2 in turn, because a row of equal requests is a loop to a gateway.
    """
    rest: Resend = [(2, None), (3, None), (4, 7)]
    code, figures, complaints = run_desk(tools, [[(1, 2), *rest], rest])

    assert (code, complaints) == (0, "")
    assert figures["days"] == 2
    assert figures["next_out"] == [11]
    assert figures["violations"] == 0


@pytest.mark.parametrize(
    "day", [[(1, None), (3, 7)], [(2, 7)], [(1, None), (1, None), (2, 7)]], ids=["1-3", "2", "1-1"]
)
def test_a_number_that_is_missing_or_comes_twice(tools: Path, day: Resend) -> None:
    """It is named, and the desk fails."""
    code, figures, complaints = run_desk(tools, [day])

    assert code == 1
    assert figures["violations"] > 0
    assert "DESK got" in complaints
