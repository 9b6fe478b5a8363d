"""The demo as a whole: log on, trade, clear the book, compare, log out.

The desk logs on first and out last, so that it sees everything.
Nothing is kept on disk: every session logs on with ResetSeqNumFlag(141)=Y.

Trading ends after the given time, by SIGINT or SIGTERM, or when a session ends.
Then every open order is cancelled, and what is still on its way is waited for: bounded.
"""

import math
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

import attrs
import trio

from kk99fix.config.instruments import Instrument
from kk99fix.fix.message import Message
from kk99fix.harness.client import (
    Client,
    Identity,
    LogonRefusedError,
    SessionEndedError,
    connect,
)
from kk99fix.harness.demo.flow import Flow
from kk99fix.harness.demo.market import Market, Request
from kk99fix.harness.demo.screen import Screen

#: How long answers and copies may take once trading has ended.
SETTLE_S: Final = 5.0
_LOGOUT_S: Final = 3.0


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""


@attrs.frozen(kw_only=True)
class Plan:
    """What to show, and where."""

    host: str
    port: int
    #: Everybody, by CompID; the desk is none of the brokers.
    identities: Mapping[str, Identity]
    desk: str
    #: Accounts(1) of each broker.
    accounts: Mapping[str, Sequence[str]]
    instruments: Sequence[Instrument]
    #: Requests a second, of both brokers together.
    rate: float
    #: None: until a signal.
    seconds: float | None
    seed: int
    #: Begins the ClOrdIDs(11) of this run; no other run has it.
    prefix: str


class Demo:
    """One run."""

    def __init__(self, plan: Plan, screen: Screen) -> None:
        """Take the plan; nothing is connected yet."""
        self.market = Market(plan.instruments, plan.accounts)
        self._plan = plan
        self._screen = screen
        self._flow = Flow(self.market, plan.accounts, seed=plan.seed, prefix=plan.prefix)
        self._clients: dict[str, Client] = {}
        self._stop = trio.Event()
        self._changed = trio.Event()
        self._failure = ""

    async def run(self) -> None:
        """Do all of it; raises DemoError."""
        async with AsyncExitStack() as stack:
            for name in (self._plan.desk, *self._plan.accounts):
                client = await self._connect(name)
                await stack.enter_async_context(client)
                await self._log_on(client)
                self._clients[name] = client
            async with trio.open_nursery() as tasks:
                tasks.start_soon(self._stop_on_signal)
                tasks.start_soon(self._screen.run, self.market)
                for client in self._clients.values():
                    tasks.start_soon(self._listen, client)
                await self._trade()
                await self._settle()
                tasks.cancel_scope.cancel()
            if self._failure:
                raise DemoError(self._failure)
            with trio.move_on_after(_LOGOUT_S):
                for client in reversed(self._clients.values()):
                    await client.logout()

    # ------------------------------------------------------------------ on and off

    async def _connect(self, name: str) -> Client:
        plan = self._plan
        try:
            return await connect(plan.host, plan.port, plan.identities[name])
        except OSError as error:
            raise DemoError(
                f"no gateway listens on {plan.host}:{plan.port}; "
                "start one with `make run` in another terminal first"
            ) from error

    async def _log_on(self, client: Client) -> None:
        try:
            await client.logon(reset=True)
        except LogonRefusedError as error:
            raise DemoError(_why_refused(client.name, error)) from error

    async def _stop_on_signal(self) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                self._stop.set()

    # ------------------------------------------------------------------ while it runs

    async def _listen(self, client: Client) -> None:
        """Take what a client receives, until its session ends."""
        try:
            while True:
                self._take(client.name, await client.receive())
        except SessionEndedError as error:
            self._failure = self._failure or f"the session of {client.name} ended: {error}"
            self._stop.set()
            self._wake()

    def _take(self, name: str, message: Message) -> None:
        market = self.market
        if name == self._plan.desk:
            copy = market.copied(message, name)
            if copy is not None:
                self._screen.seen(market, name, copy)
        else:
            report = market.received(name, message)
            if report is not None:
                self._screen.told(market, name, report)
        self._wake()

    async def _trade(self) -> None:
        """Send requests at the wanted rate."""
        next_at = trio.current_time()
        ends_at = next_at + (math.inf if self._plan.seconds is None else self._plan.seconds)
        while not self._stop.is_set() and trio.current_time() < ends_at:
            broker, request = self._flow.next_request()
            await self._send(broker, request)
            next_at += self._flow.next_pause_s(self._plan.rate)
            with trio.move_on_at(min(next_at, ends_at)):
                await self._stop.wait()

    async def _settle(self) -> None:
        """Wait for every answer, cancel what is open, wait for every answer and copy."""
        market = self.market
        with trio.move_on_after(SETTLE_S):
            await self._until(lambda: not market.unanswered)
            for broker, request in self._flow.cancels():
                await self._send(broker, request)
            await self._until(lambda: not market.unanswered and not market.missed)

    async def _send(self, broker: str, request: Request) -> None:
        if self._failure:
            return
        client = self._clients[broker]
        self.market.sent(broker, request)
        try:
            await client.send(request.msg_type, [*request.fields, (60, client.timestamp())])
        except SessionEndedError:
            self._stop.set()  # the listener says why

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds() and not self._failure:
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


def _why_refused(name: str, error: LogonRefusedError) -> str:
    if error.ending.text:
        return f"the gateway refused the logon of {name}: {error.ending.text}"
    if error.ending.cause == "logon-timeout":
        return f"the logon of {name} was not answered: is it the gateway that listens there?"
    return (
        f"the gateway closed the connection of {name} without a word: most likely {name} is "
        "logged on already, by another demo or client; end that first (the gateway's log names "
        "the cause)"
    )
