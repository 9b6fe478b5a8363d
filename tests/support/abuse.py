"""Sessions that send mutants to a live gateway, and one beside them that only wants to trade.

An abuser sends in batches.
Behind each it sets its number right again by a SequenceReset(4) in mode Reset and sends a
TestRequest(1): the Heartbeat(0) says that everything before was handled.
When the gateway ends the session it logs on again.
Every number of the gateway's is looked at: live ones rise by one, and nothing else comes before a
gap is filled.
"""

import re
from collections.abc import Callable
from typing import Final

import attrs
import trio

from kk99fix.harness.misbehaving.mutants import Mutants
from support.fix_client import stamp
from support.live_gateway import HOST, Live
from support.live_peer import LivePeer

BATCH: Final = 40
#: So far ahead of everything in a batch that no number in it matters any more.
AHEAD: Final = 1000
#: Frames behind a batch, so that one that was cut off does not wait for more.
FILLERS: Final = 8
WITHIN_S: Final = 10.0
_END = re.compile(rb"\x0110=\d{3}\x01")
_FIELD = re.compile(rb"\x01(34|35|36|43|112|141)=([^\x01]*)")


@attrs.define
class Connection:
    """What went over one connection."""

    sent: bytearray = attrs.field(factory=bytearray)
    #: So many bytes have certainly been handled.
    handled: int = 0


class Abuser:
    """One session that sends mutants."""

    def __init__(self, live: Live, comp_id: str, seed: int) -> None:
        """Begin without a connection."""
        self._live = live
        self._comp_id = comp_id
        self._mutants = Mutants(comp_id, seed)
        session = live.gateway.storage.venue.registry.session_id(comp_id)
        assert session is not None
        self.session: int = session
        self.connections: list[Connection] = []
        self.count = 0
        #: First frames by (epoch, number).
        self.received: dict[tuple[int, int], bytes] = {}
        #: Frames with PossDupFlag(43)=Y of the present connection.
        self.again: dict[int, bytes] = {}
        self._stream: trio.SocketStream | None = None
        self._buffer = b""
        self._epoch = 0
        self._next_in = 0
        self._next_out = 0
        self._again_to = 0
        self._heartbeat = b""
        self._logged_on = False

    async def run(self, count: int) -> None:
        """Send so many mutants."""
        while self.count < count:
            await self._log_on()
            while self.count < count and await self._batch():
                pass
            await self._leave()

    async def fetch_everything(self) -> int:
        """Ask for all of the epoch once more; return its epoch."""
        await self._log_on()
        last = self._next_in - 1
        await self._send("2", [(b"7", b"1"), (b"16", b"%d" % last)])
        assert await self._read_until(lambda: self._again_to > last)
        await self._leave()
        return self._epoch

    async def _log_on(self) -> None:
        await self._live.wait_until_gone(self._comp_id)
        view = self._live.gateway.storage.venue.engine.session(self.session)
        self._epoch, self._next_out = view.epoch, view.next_in
        self._buffer, self._logged_on, self._again_to = b"", False, 0
        self.again.clear()
        self.connections.append(Connection())
        self._stream = await trio.open_tcp_stream(HOST, self._live.port)
        await self._send("A", [(b"98", b"0"), (b"108", b"60")])
        assert await self._read_until(lambda: self._logged_on), "logged on without an answer"

    async def _leave(self) -> None:
        assert self._stream is not None
        await self._stream.aclose()

    async def _send(self, kind: str, body: list[tuple[bytes, bytes]]) -> None:
        data = self._mutants.message(kind, self._next_out, stamp().encode(), body)
        self._next_out += 1
        await self._send_bytes(data)

    async def _send_bytes(self, data: bytes) -> None:
        assert self._stream is not None
        self.connections[-1].sent += data
        try:
            await self._stream.send_all(data)
        except trio.BrokenResourceError:
            return

    async def _batch(self) -> bool:
        """Send a batch and wait until it was handled; False when the session is over."""
        now = stamp().encode()
        data = bytearray()
        for _ in range(BATCH):
            mutant = self._mutants.mutant(self._next_out, now)
            self._next_out += mutant.framed
            data += mutant.data
            self.count += 1
        begin = self._next_out + AHEAD
        wanted = b"batch-%d" % self.count
        data += self._mutants.message("4", begin, now, [(b"36", b"%d" % begin)])
        data += self._mutants.message("1", begin, now, [(b"112", wanted)])
        handled = len(self.connections[-1].sent) + len(data)
        for number in range(begin + 1, begin + 1 + FILLERS):
            data += self._mutants.message("0", number, now, [])
        self._next_out = begin + 1 + FILLERS
        await self._send_bytes(bytes(data))
        if not await self._read_until(lambda: self._heartbeat == wanted):
            return False
        self.connections[-1].handled = handled
        return True

    # ------------------------------------------------------------------ receiving

    async def _read_until(self, done: Callable[[], bool]) -> bool:
        """Read until a condition holds; False when the connection ends before."""
        assert self._stream is not None
        with trio.fail_after(WITHIN_S):
            while not done():
                try:
                    data = await self._stream.receive_some(1 << 18)
                except trio.BrokenResourceError:
                    return False
                if not data:
                    return False
                self._buffer += data
                while (match := _END.search(self._buffer)) is not None:
                    self._take(self._buffer[: match.end()])
                    self._buffer = self._buffer[match.end() :]
        return True

    def _take(self, frame: bytes) -> None:
        fields = dict(_FIELD.findall(frame))
        kind, number = fields[b"35"], int(fields[b"34"])
        if kind == b"A" and not self._logged_on:  # what was sent meanwhile waits to be asked for
            self._logged_on, self._next_in = True, number
        elif kind == b"A" and fields.get(b"141") == b"Y":
            self._epoch += 1
            self._next_in = 1
        if fields.get(b"43") == b"Y":
            self.again[number] = frame
            assert number <= self._next_in, f"{self._comp_id}: {frame!r} leaves a gap"
            self._again_to = int(fields[b"36"]) if kind == b"4" else number + 1
            self._next_in = max(self._next_in, self._again_to)
            return
        assert number == self._next_in, f"{self._comp_id}: expected {self._next_in}: {frame!r}"
        self.received[self._epoch, number] = frame
        self._next_in += 1
        if kind == b"0":
            self._heartbeat = fields.get(b"112", b"")


@attrs.define
class Calm:
    """Somebody who buys from and sells to itself and cancels, and counts what it is told."""

    peer: LivePeer
    rounds: int = 0
    longest_s: float = 0.0

    async def run(self, every_s: float = 0.002) -> None:
        """Trade for ever: the reports are exactly those of these orders, their numbers too."""
        number = 2
        while True:
            begun = trio.current_time()
            self.rounds += 1
            for order, side, reports in (("b", 1, ["0"]), ("s", 2, ["0", "F", "F"])):
                cl_ord_id = f"calm-{order}{self.rounds}"
                terms = [(38, 7), (40, 2), (44, "560.00")]
                body = [(11, cl_ord_id), (55, "SPY"), (54, side), (60, stamp()), *terms]
                await self.peer.send("D", body)
                for exec_type in reports:
                    report = await self.peer.receive("8")
                    assert (report[34], report[150]) == (str(number), exec_type), report
                    assert report[11].startswith("calm-"), report
                    number += 1
            self.longest_s = max(self.longest_s, trio.current_time() - begun)
            await trio.sleep(every_s)
