"""Refused logons: their references, and what is kept of them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.frames import frame
from support.live_gateway import LogLines, small_settings

from kk99fix.fix.masking import mask_whatever
from kk99fix.gateway.current import Current
from kk99fix.gateway.peer import Peer
from kk99fix.gateway.references import Reference
from kk99fix.gateway.refusals import Refusals
from kk99fix.gateway.refused_logons import EXAMINED_BYTES, KEPT_OF_A_CAUSE

LOGON = frame("A", "98=0|108=30|553=broker1|554=hunter2|96=otp|")


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> Refusals:
    """Refusals at moments that a test does not care about."""
    monkeypatch.setattr("trio.current_time", lambda: 1.0)
    return Refusals(LogLines().log)


def test_what_a_logon_claimed_is_kept(refusals: Refusals, tmp_path: Path) -> None:
    """Address, CompIDs, user name and the session's file are known; the secrets are not."""
    current = Current(small_settings(tmp_path))
    refusals.file_of = current.session

    refusals.note("credentials", Peer("192.0.2.1"), LOGON, balancer="192.0.2.7")

    (kept,) = refusals.recent.newest()
    assert (kept.cause, kept.peer.address, kept.balancer) == (
        *("credentials", "192.0.2.1"),
        "192.0.2.7",
    )
    assert (kept.sender_comp_id, kept.target_comp_id) == ("BROKER1", "KK99")
    assert kept.username == "broker1"
    assert kept.file is current.session("BROKER1")
    assert "hunter2" not in repr(kept)
    assert "otp" not in repr(kept)
    assert "allow_from" not in repr(kept)
    assert refusals.recent.find(refusals.newest_reference) is kept


def test_a_stranger_cannot_say_more_than_fits(refusals: Refusals) -> None:
    """Names are capped and printable, whatever was sent."""
    wild = frame("A", f"98=0|553={'x' * 300}|58=\x1b[31m|")

    refusals.note("credentials", Peer("192.0.2.1"), wild.replace(b"BROKER1", b"\x1b[2J" * 40))

    (kept,) = refusals.recent.newest()
    for text in (kept.sender_comp_id, kept.username, kept.frame):
        assert text is not None
        assert len(text) <= 600
        assert text.isprintable()


@pytest.mark.parametrize("extra", range(60))
def test_a_secret_is_masked_wherever_the_frame_is_cut(refusals: Refusals, extra: int) -> None:
    """Only the begin of a large frame is looked at, and its end may lie within any field."""
    room = EXAMINED_BYTES - 100 - extra
    large = frame("A", f"98=0|58={'x' * room}|553=broker1|554=hunter2|95=7|96=otp|otp|98=0|")

    refusals.note("credentials", Peer("192.0.2.1"), large)

    (kept,) = refusals.recent.newest()
    assert kept.sender_comp_id == "BROKER1"
    assert kept.frame is not None
    assert "hunter" not in mask_whatever(large[:EXAMINED_BYTES]).decode()
    assert "otp" not in mask_whatever(large[:EXAMINED_BYTES]).decode()


def test_a_flood_of_one_cause_leaves_the_others(refusals: Refusals) -> None:
    """So many of each cause are kept; what was let go is not found any more."""
    refusals.note("credentials", Peer("192.0.2.1"), LOGON)
    wanted = refusals.newest_reference
    for _ in range(3 * KEPT_OF_A_CAUSE):
        refusals.note("network-of-nobody", Peer("192.0.2.2"), None)
    first_of_flood = Reference(wanted.started_ms, wanted.count + 1)

    assert len(refusals.recent) == KEPT_OF_A_CAUSE + 1
    assert refusals.recent.find(wanted) is not None
    assert refusals.recent.find(first_of_flood) is None
    assert refusals.counts["network-of-nobody"] == 3 * KEPT_OF_A_CAUSE


def test_the_newest_come_first_and_may_be_narrowed(refusals: Refusals) -> None:
    """By cause, by address and by the CompID that was claimed."""
    refusals.note("network", Peer("192.0.2.1"), LOGON)
    refusals.note("network", Peer("192.0.2.2"), LOGON.replace(b"BROKER1", b"BROKER2"))
    refusals.note("logon-timeout", Peer("192.0.2.2"), None)
    newest = refusals.recent.newest

    assert [each.reference.count for each in newest()] == [3, 2, 1]
    assert [each.reference.count for each in newest(cause="network")] == [2, 1]
    assert [each.reference.count for each in newest(address="192.0.2.2")] == [3, 2]
    assert [each.reference.count for each in newest(sender_comp_id="BROKER2")] == [2]
    assert newest(cause="credentials") == []


def test_a_reference_reads_back() -> None:
    """Its text, in whatever case and with blanks around it, is the same reference."""
    reference = Reference(1_790_000_000_123, 17)

    assert Reference.read(str(reference)) == reference
    assert Reference.read(f" {str(reference).upper()} ") == reference
    assert reference.started_ns == 1_790_000_000_123_000_000


@pytest.mark.parametrize("text", ["", "17", "BROKER1", "mf3k2a81", "mf3k2a81-0", "mf3k2a81-x"])
def test_other_text_is_no_reference(text: str) -> None:
    """A CompID or half a reference is not taken for one."""
    assert Reference.read(text) is None


def test_references_of_two_starts_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same count after a restart is another reference."""
    moments: Callable[[], int] = iter((10**18, 2 * 10**18)).__next__
    monkeypatch.setattr("time.time_ns", moments)
    before, after = Refusals(LogLines().log), Refusals(LogLines().log)

    assert before.newest_reference != after.newest_reference
