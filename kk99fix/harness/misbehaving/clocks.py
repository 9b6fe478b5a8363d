"""Bad clocks: SendingTime(52) that is off, orders of long ago, silence."""

from kk99fix.harness.misbehaving.registry import misbehaviour
from kk99fix.harness.misbehaving.setting import Setting


async def _clock_off(setting: Setting, offset_s: float) -> None:
    rogue = await setting.rogue()
    await rogue.send("Heartbeat", SendingTime=rogue.timestamp(offset_s))
    await rogue.expect("Reject", SessionRejectReason="SENDING_TIME_ACCURACY")
    await rogue.expect("Logout")
    await rogue.send("Logout")
    await rogue.expect_closed()
    await setting.beside()


@misbehaviour("Reject(3) with SessionRejectReason(373)=10, Logout(5), the end.")
async def clock_ahead(setting: Setting) -> None:
    """Has a clock that is ten minutes ahead."""
    await _clock_off(setting, 600)


@misbehaviour("Reject(3) with SessionRejectReason(373)=10, Logout(5), the end.")
async def clock_behind(setting: Setting) -> None:
    """Has a clock that is ten minutes behind."""
    await _clock_off(setting, -600)


@misbehaviour("The order is refused: nobody wants it any more.")
async def order_of_long_ago(setting: Setting) -> None:
    """Resends an order of two hours ago that never arrived."""
    rogue = await setting.rogue()
    order = setting.order()
    mark = setting.poss_dup(7200)
    await rogue.send("NewOrderSingle", *mark, *order.fields)
    await rogue.expect("ExecutionReport", ClOrdID=order.cl_ord_id, OrdStatus="REJECTED")
    await setting.alive(rogue)


@misbehaviour("Heartbeat(0) when it is due, TestRequest(1) after the silence, then the end.")
async def silence(setting: Setting) -> None:
    """Says nothing after its logon, and answers nothing."""
    rogue = await setting.rogue(heart_bt_int_s=10)
    await setting.pace(10.5)
    await rogue.expect("Heartbeat")
    await setting.pace(2)
    await rogue.expect("TestRequest")
    await setting.pace(11)
    rogue.inbox.clear()  # one more Heartbeat(0) may have been due
    await rogue.expect_closed()
