"""Bad bytes: wrong sums and lengths, halves, garbage, messages that come a byte at a time."""

import random

from kk99fix.harness.counterparty import Counterparty
from kk99fix.harness.frames import with_wrong_sum
from kk99fix.harness.misbehaving.registry import misbehaviour
from kk99fix.harness.misbehaving.setting import Order, Setting

_HTTP = b"GET / HTTP/1.1\r\nHost: exchange\r\n\r\n"
_TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


async def _no_such_order(setting: Setting, rogue: Counterparty, order: Order) -> None:
    """Hold that an order never came to the book."""
    await rogue.send("OrderCancelRequest", *order.cancel(setting.scenario.ids.new()))
    await rogue.expect("OrderCancelReject", CxlRejReason="UNKNOWN_ORDER")


@misbehaviour("It is ignored, and its number is not consumed: the next message has it again.")
async def wrong_checksum(setting: Setting) -> None:
    """Sends an order whose CheckSum(10) is wrong."""
    rogue = await setting.rogue()
    order = setting.order()
    await rogue.send_bytes(with_wrong_sum(rogue.frame("NewOrderSingle", *order.fields)))
    rogue.ledger.next_out -= 1
    await setting.alive(rogue)
    await _no_such_order(setting, rogue, order)


@misbehaviour("The connection is closed; no number is consumed.")
async def checksums_in_a_row(setting: Setting) -> None:
    """Sends twenty messages in a row whose CheckSum(10) is wrong."""
    rogue = await setting.rogue()
    wrong = [with_wrong_sum(rogue.frame("Heartbeat")) for _ in range(20)]
    await rogue.send_bytes(b"".join(wrong))
    rogue.ledger.next_out = 2
    await rogue.expect_closed()
    await setting.again(rogue)
    await setting.alive(rogue)


@misbehaviour("Both are ignored; the message behind each is handled and not swallowed.")
async def wrong_length(setting: Setting) -> None:
    """Declares a BodyLength(9) that is too short, then one that is too long."""
    rogue = await setting.rogue()
    for length in (10, 90):
        await rogue.send("Heartbeat", BodyLength=length)
        rogue.ledger.next_out -= 1
        await setting.alive(rogue)


@misbehaviour("The connection is closed at its header.")
async def absurd_length(setting: Setting) -> None:
    """Declares a message of a thousand million bytes."""
    rogue = await setting.rogue()
    await rogue.send_bytes(b"8=FIX.4.4\x019=999999999\x0135=0\x01")
    await rogue.expect_closed()
    await setting.beside()
    await setting.again(rogue)
    await setting.alive(rogue)


@misbehaviour("There is no such order and its number is not consumed.")
async def half_message(setting: Setting) -> None:
    """Sends half an order and closes the connection."""
    await _half(setting, reset=False)


@misbehaviour("There is no such order and its number is not consumed.")
async def mid_message_reset(setting: Setting) -> None:
    """Sends half an order and resets the connection (RST)."""
    await _half(setting, reset=True)


async def _half(setting: Setting, *, reset: bool) -> None:
    rogue = await setting.rogue()
    await setting.alive(rogue)
    order = setting.order()
    frame = rogue.frame("NewOrderSingle", *order.fields)
    rogue.ledger.next_out -= 1
    await rogue.send_bytes(frame[: len(frame) // 2])
    await setting.beside()
    await rogue.drop(reset=reset)
    await setting.again(rogue)
    await _no_such_order(setting, rogue, order)


@misbehaviour("It is answered as if it had come at once.")
async def one_byte_a_second(setting: Setting) -> None:
    """Sends a message a byte a second."""
    rogue = await setting.rogue(heart_bt_int_s=60)
    for byte in rogue.frame("TestRequest", TestReqID="slow"):
        await rogue.send_bytes(bytes([byte]))
        await setting.pace(1)
    await rogue.find("Heartbeat", TestReqID="slow")


@misbehaviour("The connection is closed without a word when the time for a logon is over.")
async def logon_a_byte_a_second(setting: Setting) -> None:
    """Sends its Logon(A) a byte a second."""
    rogue = setting.stranger()
    await rogue.connect()
    logon = rogue.frame("Logon", EncryptMethod=0, HeartBtInt=30, ResetSeqNumFlag="Y")
    for byte in logon:
        if not rogue.connected:
            break
        await rogue.send_bytes(bytes([byte]))
        await setting.pace(1)
    await rogue.expect_closed()


@misbehaviour("Each connection is closed without a word when the time for a logon is over.")
async def silent_connections(setting: Setting) -> None:
    """Connects ten times and says nothing."""
    rogues = [setting.stranger() for _ in range(10)]
    for rogue in rogues:
        await rogue.connect()
    await setting.pace(20)
    for rogue in rogues:
        await rogue.expect_closed()


@misbehaviour("Each is closed without a word.")
async def other_protocols(setting: Setting) -> None:
    """Speaks HTTP, then TLS, then sends zeros, each on a new connection."""
    for data in (_HTTP, _TLS, bytes(5000)):
        rogue = setting.stranger()
        await rogue.connect()
        await rogue.send_bytes(data)
        await setting.beside()
        await setting.pace(6)
        await rogue.expect_closed()


@misbehaviour("The connection is closed without a word; there is no such order.")
async def no_logon(setting: Setting) -> None:
    """Sends an order as the first message of a connection."""
    rogue = setting.stranger()
    await rogue.connect()
    order = setting.order()
    await rogue.send("NewOrderSingle", *order.fields)
    await setting.pace(2)
    await rogue.expect_closed()
    await _no_such_order(setting, await setting.rogue(), order)


@misbehaviour("They are ignored, or end the connection; what is whole behind them is handled.")
async def garbage(setting: Setting) -> None:
    """Sends two thousand random bytes between two messages."""
    rogue = await setting.rogue()
    chance = random.Random(20261125)  # noqa: S311 - the same bytes in every run
    noise = bytes(chance.randrange(1, 256) for _ in range(2000)).replace(b"8=FIX", b"?")
    await rogue.send_bytes(noise)
    await setting.beside()
    await setting.alive(rogue)
