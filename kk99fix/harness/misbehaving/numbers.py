"""Bad numbers: gaps, duplicates, resends without end, SequenceReset(4) that should not be."""

from kk99fix.harness.misbehaving.registry import misbehaviour
from kk99fix.harness.misbehaving.setting import Setting

#: Messages of a storm at scale 1.
_STORM = 1000


@misbehaviour(
    "One ResendRequest(2); what came early is answered once the gap is filled, in its order."
)
async def gap(setting: Setting) -> None:
    """Skips three numbers and goes on, then fills the gap."""
    rogue = await setting.rogue()
    await rogue.send("TestRequest", MsgSeqNum=5, TestReqID="five")
    await rogue.expect("ResendRequest", BeginSeqNo=2)
    await rogue.send("TestRequest", MsgSeqNum=6, TestReqID="six")
    await setting.beside()
    fill = (*setting.poss_dup(), ("GapFillFlag", "Y"))
    await rogue.send("SequenceReset", *fill, MsgSeqNum=2, NewSeqNo=5)
    await rogue.expect("Heartbeat", TestReqID="five")
    await rogue.expect("Heartbeat", TestReqID="six")


@misbehaviour(
    "The ResendRequest(2) is repeated a bounded number of times; then Logout(5) and the end."
)
async def gap_never_filled(setting: Setting) -> None:
    """Skips a number and never resends what it is asked for."""
    rogue = await setting.rogue(heart_bt_int_s=60)
    await rogue.send("TestRequest", MsgSeqNum=3, TestReqID="three")
    await rogue.expect("ResendRequest", BeginSeqNo=2)
    for _ in range(2):
        await setting.pace(10.5)
        await rogue.expect("ResendRequest", BeginSeqNo=2)
    await setting.pace(10.5)
    await rogue.expect("Logout")
    await rogue.expect_closed()


@misbehaviour("There is one order and one report; the duplicate is ignored.")
async def duplicate(setting: Setting) -> None:
    """Sends an order twice, the second time with PossDupFlag(43)=Y."""
    rogue = await setting.rogue()
    order = setting.order()
    await rogue.send("NewOrderSingle", *order.fields)
    await rogue.expect("ExecutionReport", ClOrdID=order.cl_ord_id, ExecType="NEW")
    mark = setting.poss_dup()
    await rogue.send("NewOrderSingle", *mark, *order.fields, ("MsgSeqNum", 2))
    await setting.alive(rogue)
    cancel = order.cancel(setting.scenario.ids.new())
    await rogue.send("OrderCancelRequest", *cancel)
    await rogue.expect("ExecutionReport", ExecType="CANCELED", LeavesQty=0)


@misbehaviour("Logout(5) that says so and the end; the numbers are kept for the next logon.")
async def number_too_low(setting: Setting) -> None:
    """Sends a number that was used already, without PossDupFlag(43)=Y."""
    rogue = await setting.rogue()
    await setting.alive(rogue)
    await rogue.send("Heartbeat", MsgSeqNum=1)
    await rogue.expect("Logout")
    await rogue.expect_closed()
    await setting.again(rogue)
    await setting.alive(rogue)


@misbehaviour("Logout(5) and the end; the numbers are kept.")
async def number_missing(setting: Setting) -> None:
    """Sends no MsgSeqNum(34) at all."""
    rogue = await setting.rogue()
    await rogue.send("Heartbeat", left_out=[34])
    rogue.ledger.next_out = 2
    await rogue.expect("Logout")
    await rogue.expect_closed()
    await setting.again(rogue)
    await setting.alive(rogue)


@misbehaviour("All of them are ignored; the session goes on.")
async def poss_dup_storm(setting: Setting) -> None:
    """Sends a thousand orders with PossDupFlag(43)=Y and numbers long used."""
    rogue = await setting.rogue()
    await setting.alive(rogue)
    for _ in range(setting.scale):
        mark = (*setting.poss_dup(), ("MsgSeqNum", 2))
        storm = [
            rogue.frame("NewOrderSingle", *mark, *setting.order().fields) for _ in range(_STORM)
        ]
        await rogue.send_bytes(b"".join(storm))
        await setting.beside()
    await setting.alive(rogue, "after the storm")


@misbehaviour("Reject(3) on NewSeqNo(36) both times; the number stays.")
async def sequence_reset_down(setting: Setting) -> None:
    """Lowers its number by SequenceReset(4) in mode Reset, then in mode GapFill."""
    rogue = await setting.rogue()
    await setting.alive(rogue)
    await rogue.send("SequenceReset", NewSeqNo=1)
    await rogue.expect("Reject", SessionRejectReason="VALUE_INCORRECT")
    rogue.ledger.next_out -= 1  # a Reset has no turn of its own
    await rogue.send("SequenceReset", GapFillFlag="Y", NewSeqNo=1)
    await rogue.expect("Reject", SessionRejectReason="VALUE_INCORRECT")
    await setting.alive(rogue)


@misbehaviour("Logout(5) and the end; the number is kept.")
async def sequence_reset_jump(setting: Setting) -> None:
    """Raises its number by two thousand millions with SequenceReset(4)."""
    rogue = await setting.rogue()
    await rogue.send("SequenceReset", NewSeqNo=2_000_000_000)
    rogue.ledger.next_out = 2
    await rogue.expect("Logout")
    await rogue.expect_closed()
    await setting.again(rogue)
    await setting.alive(rogue)


@misbehaviour("What it is sent stays bounded, the session goes on, and nobody else waits.")
async def resend_storm(setting: Setting) -> None:
    """Asks a thousand times for everything, from 1 and from 2 in turn."""
    rogue = await setting.rogue()
    for _ in range(20):
        await rogue.send("NewOrderSingle", *setting.order(time_in_force="3").fields)
    asks = [
        rogue.frame("ResendRequest", BeginSeqNo=1 + n % 2, EndSeqNo=0)
        for n in range(_STORM * setting.scale)
    ]
    await rogue.send_bytes(b"".join(asks))
    await setting.beside()
    await rogue.send("TestRequest", TestReqID="after the storm")
    await rogue.find("Heartbeat", TestReqID="after the storm", within_s=30)


@misbehaviour("It is answered a few times; then Logout(5) that says why, and the end.")
async def resend_loop(setting: Setting) -> None:
    """Asks for the same messages for ever."""
    rogue = await setting.rogue()
    order = setting.order(time_in_force="3")
    await rogue.send("NewOrderSingle", *order.fields)
    asks = [rogue.frame("ResendRequest", BeginSeqNo=2, EndSeqNo=0) for _ in range(100)]
    await rogue.send_bytes(b"".join(asks))
    await rogue.find("Logout")
    await rogue.expect_closed()


@misbehaviour("Reject(3) both times; the session goes on.")
async def resend_of_nothing(setting: Setting) -> None:
    """Asks for messages that were never sent, and for a range that ends before it begins."""
    rogue = await setting.rogue()
    await setting.alive(rogue)
    await rogue.send("ResendRequest", BeginSeqNo=999, EndSeqNo=0)
    await rogue.expect("Reject", RefTagID=7)
    await rogue.send("ResendRequest", BeginSeqNo=2, EndSeqNo=1)
    await rogue.expect("Reject", RefTagID=16)
    await setting.alive(rogue)


@misbehaviour("Each is answered by a Logon(A) with number 1; the session goes on from there.")
async def reset_storm(setting: Setting) -> None:
    """Resets the numbers by Logon(A) fifty times on one connection."""
    rogue = await setting.rogue()
    for _ in range(50):
        await rogue.logon(reset=True)
        assert rogue.last is not None
        assert rogue.last.get(34) == b"1", rogue.last
    await setting.beside()
    await setting.alive(rogue)
