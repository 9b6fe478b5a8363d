"""Bad identities: other CompIDs, logons of sessions that are live, many logons at once."""

import attrs

from kk99fix.harness.counterparty import StepFailedError
from kk99fix.harness.misbehaving.registry import misbehaviour
from kk99fix.harness.misbehaving.setting import Setting

_LOGONS = 20


async def _wrong_comp_id(setting: Setting, tag: str, comp_id: str) -> None:
    rogue = await setting.rogue()
    await rogue.send("Heartbeat", (tag, comp_id))
    await rogue.expect("Reject", SessionRejectReason="COMPID_PROBLEM", RefSeqNum=2)
    await rogue.expect("Logout")
    await rogue.expect_closed()
    await setting.beside()


@misbehaviour("Reject(3) with SessionRejectReason(373)=9, Logout(5), the end.")
async def wrong_sender(setting: Setting) -> None:
    """Changes its SenderCompID(49) in the middle of a session."""
    await _wrong_comp_id(setting, "SenderCompID", "SOMEBODY")


@misbehaviour("Reject(3) with SessionRejectReason(373)=9, Logout(5), the end.")
async def wrong_target(setting: Setting) -> None:
    """Changes its TargetCompID(56) in the middle of a session."""
    await _wrong_comp_id(setting, "TargetCompID", "SOMEBODY")


@misbehaviour("The same; the good session notices nothing.")
async def stolen_sender(setting: Setting) -> None:
    """Puts the SenderCompID(49) of the good session into its own messages."""
    good = setting.calm.party.identity.sender_comp_id
    await _wrong_comp_id(setting, "SenderCompID", good)


@misbehaviour("The connection is closed without a word.")
async def unknown_sender(setting: Setting) -> None:
    """Logs on as a session that nobody knows."""
    rogue = setting.stranger(attrs.evolve(setting.identity, sender_comp_id="NOBODY-KNOWS"))
    await rogue.connect()
    await rogue.send("Logon", EncryptMethod=0, HeartBtInt=30, ResetSeqNumFlag="Y")
    await setting.pace(2)
    await rogue.expect_closed()


@misbehaviour("The connection is closed without a word; the good session's numbers go on.")
async def stolen_logon(setting: Setting) -> None:
    """Logs on as the good session while that is logged on, and asks to reset its numbers."""
    rogue = setting.stranger(setting.calm.party.identity)
    await rogue.connect()
    await rogue.send("Logon", EncryptMethod=0, HeartBtInt=30, ResetSeqNumFlag="Y")
    await setting.beside()
    await setting.pace(2)
    await rogue.expect_closed()
    await setting.beside()


@misbehaviour("One logon is answered; the others are closed without a word.")
async def logon_storm(setting: Setting) -> None:
    """Logs on twenty times at once."""
    rogues = [setting.stranger() for _ in range(_LOGONS)]
    for rogue in rogues:
        await rogue.connect()
    for rogue in rogues:
        await rogue.send("Logon", EncryptMethod=0, HeartBtInt=30, ResetSeqNumFlag="Y")
    await setting.beside()
    answered = []
    for rogue in rogues:
        try:
            await rogue.expect("Logon", ResetSeqNumFlag="Y")
        except StepFailedError:
            await rogue.expect_closed()
        else:
            answered.append(rogue)
    if len(answered) != 1:
        raise StepFailedError(f"{len(answered)} of {_LOGONS} logons were answered")


@misbehaviour("Reject(3); the session goes on.")
async def second_logon(setting: Setting) -> None:
    """Sends a second Logon(A) on a session that is logged on."""
    rogue = await setting.rogue()
    await rogue.send("Logon", EncryptMethod=0, HeartBtInt=30)
    await rogue.expect("Reject", RefSeqNum=2)
    await setting.alive(rogue)


@misbehaviour("Logout(5) and the end; there is no such order.")
async def talks_after_logout(setting: Setting) -> None:
    """Sends an order in one piece with its Logout(5), behind it."""
    rogue = await setting.rogue()
    order = setting.order()
    logout = rogue.frame("Logout")
    await rogue.send_bytes(logout + rogue.frame("NewOrderSingle", *order.fields))
    rogue.ledger.next_out -= 1
    await rogue.expect("Logout")
    await rogue.expect_closed()
    await setting.again(rogue)
    await rogue.send("OrderCancelRequest", *order.cancel(setting.scenario.ids.new()))
    await rogue.expect("OrderCancelReject", CxlRejReason="UNKNOWN_ORDER")
