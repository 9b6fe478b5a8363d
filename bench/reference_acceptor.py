"""The reference of `make bench`: a FIX acceptor the way one would usually write it.

Trio with a task per connection, simplefix per message, one call into a book per order, one write
per report.
It numbers its messages and answers what the load client sends; it validates, stores and resends
nothing, so the gateway does more than it for every order.

Run it with `python -m bench.reference_acceptor [PORT]`; it prints `listening on HOST:PORT`.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import count

import attrs
import simplefix  # type: ignore[import-untyped]
import trio

from bench.reference_book import Book, Event, EventKind, Order

OUR_COMP_ID = "KK99"
READ_BYTES = 65536

_EXEC_TYPES = {EventKind.NEW: "0", EventKind.TRADE: "F", EventKind.CANCELLED: "4"}


@attrs.define(eq=False)
class Session:
    """One connection and its outbound sequence number."""

    stream: trio.SocketStream
    comp_id: str = ""
    next_out: int = 1
    lock: trio.Lock = attrs.field(factory=trio.Lock)

    async def send(self, msg_type: str, fields: Iterable[tuple[int, object]]) -> None:
        """Number, encode and write one message."""
        async with self.lock:
            message = simplefix.FixMessage()
            message.append_pair(8, "FIX.4.4")
            message.append_pair(35, msg_type)
            message.append_pair(49, OUR_COMP_ID)
            message.append_pair(56, self.comp_id)
            message.append_pair(34, self.next_out)
            message.append_pair(52, stamp())
            for tag, value in fields:
                message.append_pair(tag, value)
            self.next_out += 1
            await self.stream.send_all(message.encode())


def stamp() -> str:
    """Return the time now as FIX writes it, in milliseconds."""
    return datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]


def text_of(message: simplefix.FixMessage, tag: int) -> str:
    """Return a field as text, empty when it is absent."""
    value = message.get(tag)
    return "" if value is None else value.decode("ascii", "replace")


@attrs.define
class Acceptor:
    """All sessions, one book per symbol, and the counters behind the ids."""

    sessions: dict[str, Session] = attrs.field(factory=dict)
    books: dict[str, Book] = attrs.field(factory=dict)
    order_ids: Iterator[int] = attrs.field(factory=lambda: count(1))
    exec_ids: Iterator[int] = attrs.field(factory=lambda: count(1))
    turn: trio.Lock = attrs.field(factory=trio.Lock)
    """Held from the book's answer to its last report, so that reports leave in its order."""

    async def serve(self, stream: trio.SocketStream) -> None:
        """Read one connection until it ends."""
        stream.setsockopt(trio.socket.IPPROTO_TCP, trio.socket.TCP_NODELAY, 1)
        session = Session(stream)
        parser = simplefix.FixParser()
        try:
            while chunk := await stream.receive_some(READ_BYTES):
                parser.append_buffer(chunk)
                while (message := parser.get_message()) is not None:
                    if not await self.receive(session, message):
                        return
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return
        finally:
            self.sessions.pop(session.comp_id, None)

    async def receive(self, session: Session, message: simplefix.FixMessage) -> bool:
        """Handle one message; False when the connection is over."""
        match text_of(message, 35):
            case "A":
                session.comp_id = text_of(message, 49)
                self.sessions[session.comp_id] = session
                await session.send("A", [(98, 0), (108, text_of(message, 108))])
            case "D":
                async with self.turn:
                    await self.new_order(session, message)
            case "F":
                async with self.turn:
                    await self.cancel(session, message)
            case "1":
                await session.send("0", [(112, text_of(message, 112))])
            case "5":
                await session.send("5", [])
                return False
        return True

    async def new_order(self, session: Session, message: simplefix.FixMessage) -> None:
        """Put one order into its book and report what happened, the resting side first."""
        quantity = int(text_of(message, 38))
        order = Order(
            owner=session.comp_id,
            cl_ord_id=text_of(message, 11),
            order_id=next(self.order_ids),
            is_buy=text_of(message, 54) == "1",
            price=round(float(text_of(message, 44)) * 100),
            quantity=quantity,
            leaves=quantity,
            immediate=text_of(message, 59) == "3",
        )
        symbol = text_of(message, 55)
        for event in self.books.setdefault(symbol, Book()).submit(order):
            await self.report(event, symbol, event.order.cl_ord_id, None)

    async def cancel(self, session: Session, message: simplefix.FixMessage) -> None:
        """Answer one cancel: Canceled, or OrderCancelReject(9) if the order is gone."""
        symbol, cl_ord_id = text_of(message, 55), text_of(message, 11)
        orig_cl_ord_id = text_of(message, 41)
        event = self.books.setdefault(symbol, Book()).cancel(session.comp_id, orig_cl_ord_id)
        if event is not None:
            await self.report(event, symbol, cl_ord_id, orig_cl_ord_id)
            return
        fields = [(37, "NONE"), (11, cl_ord_id), (41, orig_cl_ord_id), (39, 2), (434, 1), (102, 0)]
        await session.send("9", fields)

    async def report(self, event: Event, symbol: str, cl_ord_id: str, orig: str | None) -> None:
        """Send one ExecutionReport(8) to the owner of the order, if it is still there."""
        order = event.order
        session = self.sessions.get(order.owner)
        if session is None:
            return
        fields: list[tuple[int, object]] = [
            (37, order.order_id),
            (17, next(self.exec_ids)),
            (150, _EXEC_TYPES[event.kind]),
            (39, ord_status(event)),
            (11, cl_ord_id),
        ]
        if orig is not None:
            fields.append((41, orig))
        fields += [
            (55, symbol),
            (54, 1 if order.is_buy else 2),
            (38, order.quantity),
            (40, 2),
            (44, f"{order.price / 100:.2f}"),
        ]
        if event.kind is EventKind.TRADE:
            fields += [(32, event.last_quantity), (31, f"{event.last_price / 100:.2f}")]
        fields += [(151, event.leaves), (14, event.filled), (6, 0), (60, stamp())]
        await session.send("8", fields)


def ord_status(event: Event) -> str:
    """Return OrdStatus(39) of an event."""
    if event.kind is EventKind.CANCELLED:
        return "4"
    if event.kind is EventKind.NEW:
        return "0"
    return "1" if event.leaves else "2"


async def main(port: int) -> None:
    """Serve loopback until cancelled."""
    acceptor = Acceptor()
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(port, host="127.0.0.1", backlog=1024)
        bound = listeners[0].socket.getsockname()[1]
        print(f"listening on 127.0.0.1:{bound}", flush=True)
        nursery.start_soon(trio.serve_listeners, acceptor.serve, listeners)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
