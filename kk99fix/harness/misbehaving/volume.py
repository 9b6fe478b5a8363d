"""Too much: floods of orders, readers that do not read, random changes of everything."""

import trio

from kk99fix.harness.counterparty import Counterparty, StepFailedError
from kk99fix.harness.misbehaving.mutants import Mutants
from kk99fix.harness.misbehaving.registry import misbehaviour
from kk99fix.harness.misbehaving.setting import Setting

_FLOOD = 2000
#: What a reader that does not read leaves to the other side's buffers.
_SMALL_WINDOW_BYTES = 4096
_CHUNK = 200
_CHUNKS_MAX = 500
#: After so long a reader that reads nothing has been cut, or never is.
_WAIT_S = 30
#: The other side takes nothing more when the good session has traded so often meanwhile.
_IDLE_ROUNDS = 10
_SEED = 20261125
_BATCH = 40
_BATCHES = 25
#: So far ahead of everything in a batch that no number in it matters any more.
_AHEAD = 1000
#: Frames behind a batch, so that one that was cut off does not wait for more.
_FILLERS = 8


@misbehaviour("Each is answered, in its order; the good session trades meanwhile.")
async def flood(setting: Setting) -> None:
    """Sends two thousand orders without waiting for an answer."""
    rogue = await setting.rogue()
    count = _FLOOD * setting.scale
    orders = [setting.order(time_in_force="3") for _ in range(count)]
    for begin in range(0, count, _CHUNK):
        frames = [rogue.frame("NewOrderSingle", *o.fields) for o in orders[begin : begin + _CHUNK]]
        await rogue.send_bytes(b"".join(frames))
        await setting.beside()
    for order in orders:
        await rogue.expect("ExecutionReport", ClOrdID=order.cl_ord_id, ExecType="NEW")
        await rogue.expect("ExecutionReport", ClOrdID=order.cl_ord_id, OrdStatus="CANCELED|EXPIRED")
    await setting.alive(rogue)


@misbehaviour("It is cut, or waits; the good session trades, and everything is there on return.")
async def slow_reader(setting: Setting) -> None:
    """Sends orders and reads none of the answers."""
    rogue = await setting.rogue(heart_bt_int_s=60)
    link = rogue.raw_link
    link.stop_reading(_SMALL_WINDOW_BYTES)

    sent: list[int] = []

    async def send_until_broken() -> None:
        for _ in range(_CHUNKS_MAX):
            orders = [setting.order(time_in_force="3") for _ in range(_CHUNK)]
            frames = [rogue.frame("NewOrderSingle", *order.fields) for order in orders]
            await rogue.send_bytes(b"".join(frames))
            sent.append(_CHUNK)

    async with trio.open_nursery() as tasks:
        tasks.start_soon(send_until_broken)
        idle, before = 0, 0
        while idle < _IDLE_ROUNDS:
            await setting.beside()
            idle, before = (0, len(sent)) if len(sent) > before else (idle + 1, before)
        for _ in range(_WAIT_S):
            if link.broken:
                break
            await setting.pace(1)
        tasks.cancel_scope.cancel()
    link.read_again()
    if rogue.connected:
        await rogue.drop()
    await _nothing_is_lost(setting, rogue)


async def _nothing_is_lost(setting: Setting, rogue: Counterparty) -> None:
    """Come back with a number too high, and fetch everything from 1 on: each number is there."""
    logon = await setting.again(rogue)
    last = logon.get_int(34) or 0
    asked = await rogue.expect("ResendRequest")
    fill = (*setting.poss_dup(), ("GapFillFlag", "Y"))
    begin, end = asked.get_int(7) or 0, rogue.ledger.next_out
    await rogue.send("SequenceReset", *fill, MsgSeqNum=begin, NewSeqNo=end)
    await rogue.send("ResendRequest", BeginSeqNo=1, EndSeqNo=last)
    expected = 1
    while expected <= last:
        message = await rogue.expect("*", within_s=30)
        number = message.get_int(34)
        if number != expected or not message.get_bool(43):
            raise StepFailedError(f"expected number {expected} once more", received=message)
        expected = (message.get_int(36) or 0) if message.msg_type == b"4" else expected + 1
    await setting.beside()
    await setting.alive(rogue, "nothing is lost")


@misbehaviour("Each is answered, refused or ignored, or ends the session; the next logon is taken.")
async def mutants(setting: Setting) -> None:
    """Sends a thousand messages with random changes of fields, bytes, lengths and sums."""
    identity = setting.identity
    maker = Mutants(identity.sender_comp_id, seed=_SEED, target=identity.target_comp_id)
    rogue = await setting.rogue()
    for batch in range(_BATCHES * setting.scale):
        if not rogue.connected:
            await setting.reset(rogue)
        now = rogue.timestamp().encode()
        data, number = bytearray(), rogue.ledger.next_out
        for _ in range(_BATCH):
            mutant = maker.mutant(number, now)
            number += mutant.framed
            data += mutant.data
        await rogue.send_bytes(bytes(data))
        rogue.ledger.next_out = number + _AHEAD
        await _set_right(rogue, f"batch-{batch}")
        await setting.beside()


async def _set_right(rogue: Counterparty, word: str) -> None:
    """Set the number right by a SequenceReset(4) and wait until everything before was handled."""
    try:
        begin = rogue.ledger.next_out
        await rogue.send("SequenceReset", MsgSeqNum=begin, NewSeqNo=begin)
        await rogue.send("TestRequest", TestReqID=word)
        # What was cut off in the batch may wait for bytes of these.
        await rogue.send_bytes(b"".join(rogue.frame("Heartbeat") for _ in range(_FILLERS)))
        await rogue.find("Heartbeat", TestReqID=word)
    except StepFailedError:
        if rogue.connected:
            raise
