"""What a scenario of the misbehaving peer finds: the acceptor, a bad session, a good one, time.

`pace` lets time pass, and the good session trades meanwhile; a test replaces it by a clock that
jumps, so that a byte a second takes no time.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio

from kk99fix.fix.message import Message
from kk99fix.harness.client import Identity, Value
from kk99fix.harness.counterparty import Counterparty, StepFailedError
from kk99fix.harness.ids import Ids
from kk99fix.harness.misbehaving.calm import Calm
from kk99fix.harness.scenario import Scenario

#: How often a logon is tried while the acceptor has not noticed yet that its connection is gone.
_LOGON_TRIES: Final = 40
_LOGON_AGAIN_S: Final = 0.1
#: The good session trades so often while time passes.
_ROUND_EVERY_S: Final = 0.05

#: Name and value of a field.
Field = tuple[int | str, Value]
Pace = Callable[[float], Awaitable[None]]


@attrs.frozen
class Order:
    """An order, and its cancel."""

    cl_ord_id: str
    symbol: str
    side: str
    price: str
    time_in_force: str
    transact_time: str

    @property
    def fields(self) -> tuple[Field, ...]:
        """Its fields in a NewOrderSingle(D)."""
        return (
            ("ClOrdID", self.cl_ord_id),
            ("Symbol", self.symbol),
            ("Side", self.side),
            ("OrderQty", 10),
            ("OrdType", "LIMIT"),
            ("Price", self.price),
            ("TimeInForce", self.time_in_force),
            ("TransactTime", self.transact_time),
        )

    def cancel(self, cl_ord_id: str) -> tuple[Field, ...]:
        """Its fields in an OrderCancelRequest(F)."""
        return (
            ("ClOrdID", cl_ord_id),
            ("OrigClOrdID", self.cl_ord_id),
            ("Symbol", self.symbol),
            ("Side", self.side),
            ("OrderQty", 10),
            ("TransactTime", self.transact_time),
        )


@attrs.define(eq=False)
class Setting:
    """One run of one scenario."""

    #: The scenario of the bad session.
    scenario: Scenario
    identity: Identity
    calm: Calm
    symbol: str
    #: Trades with nobody.
    far_price: str
    #: Replaces the real time that passes, if given.
    _pace: Pace | None = None
    #: How much a flood is: 1 is enough to see that it hurts nobody.
    scale: int = 1
    _named: int = attrs.field(default=0, init=False)

    async def pace(self, seconds: float) -> None:
        """Let time pass while the good session trades."""
        if self._pace is not None:
            await self._pace(seconds)
            await self.beside()
            return
        end = trio.current_time() + seconds
        while trio.current_time() < end:
            await self.beside()
            await trio.sleep(min(_ROUND_EVERY_S, max(0.0, end - trio.current_time())))

    async def beside(self) -> None:
        """Let the good session trade; raises StepFailedError if anything is wrong there."""
        await self.calm.round()

    # ------------------------------------------------------------------ the bad session

    def stranger(self, identity: Identity | None = None) -> Counterparty:
        """Return a raw counterparty without a connection."""
        self._named += 1
        name = "ROGUE" if self._named == 1 else f"ROGUE{self._named}"
        return self.scenario.counterparty(name, identity or self.identity, raw=True)

    async def rogue(self, heart_bt_int_s: int = 30) -> Counterparty:
        """Return a raw counterparty that is logged on, with numbers from 1."""
        identity = attrs.evolve(self.identity, heart_bt_int_s=heart_bt_int_s)
        rogue = self.stranger(identity)
        await self._log_on(rogue, reset=True)
        return rogue

    async def again(self, rogue: Counterparty) -> Message:
        """Log on once more, with the number that it would send next; return the answer."""
        return await self._log_on(rogue, reset=False)

    async def reset(self, rogue: Counterparty) -> None:
        """Log on once more, with numbers from 1."""
        await self._log_on(rogue, reset=True)

    async def _log_on(self, rogue: Counterparty, *, reset: bool) -> Message:
        number = rogue.ledger.next_out
        for attempt in range(_LOGON_TRIES):
            rogue.ledger.next_out = number
            try:
                return await rogue.logon(reset=reset)
            except StepFailedError as error:
                if rogue.connected or error.received is not None or attempt == _LOGON_TRIES - 1:
                    raise
            await trio.sleep(_LOGON_AGAIN_S)
        raise AssertionError("the last try returns or raises")

    async def alive(self, rogue: Counterparty, word: str = "alive") -> None:
        """Hold that a TestRequest(1) is answered, and that nothing else comes before."""
        await rogue.send("TestRequest", TestReqID=word)
        await rogue.expect("Heartbeat", TestReqID=word)

    def poss_dup(self, seconds_ago: float = 1) -> tuple[Field, Field]:
        """Return what marks a message that was sent before."""
        time = self.calm.party.timestamp(-seconds_ago)
        return ("PossDupFlag", "Y"), ("OrigSendingTime", time)

    def order(self, time_in_force: str = "DAY") -> Order:
        """Return an order that trades with nobody."""
        cl_ord_id = self.scenario.ids.new()
        now = self.calm.party.timestamp()
        return Order(cl_ord_id, self.symbol, "BUY", self.far_price, time_in_force, now)


@asynccontextmanager
async def calm_beside(
    scenario: Scenario, identity: Identity, symbol: str, price: str
) -> AsyncIterator[Calm]:
    """Keep a good session logged on while the block runs; `scenario` is its own."""
    async with scenario:
        party = scenario.counterparty("GOOD", identity)
        # The bad session's scenario may have begun in the same millisecond.
        calm = Calm(party, Ids(f"good-{scenario.ids.prefix}"), symbol, price)
        await calm.log_on()
        yield calm
        await party.logout()
