"""A counterparty that does what a certification asks for: it reads the prompts as people do."""

import re
from collections.abc import Callable
from typing import Final

import attrs
import trio

from kk99fix.harness.client import Client, Identity, connect

HOST = "127.0.0.1"
#: Turns the fields of an order into those that are sent instead.
Twist = Callable[[dict[int, str]], dict[int, str]]
_TIME_IN_FORCE: Final = {
    "immediate or cancel": "3",
    "fill or kill": "4",
    "good till cancelled": "1",
}


def asked(line: str) -> str:
    """What a line of the certification asks for; "" for one that asks for nothing."""
    for start in ("> ", "once more: "):
        if line.startswith(start):
            return line.removeprefix(start)
    return ""


@attrs.define
class Reader:
    """Makes messages of prompts; `twist` is how it misbehaves."""

    comp_id: str
    twist: Twist = lambda fields: fields
    _ids: int = 0
    #: The newest buy order.
    _bought: dict[int, str] = attrs.field(factory=dict)

    def message(self, ask: str) -> tuple[str, dict[int, str]]:
        """MsgType(35) and body of what is asked for, without TransactTime(60)."""
        if "TestRequest(1)" in ask:
            return "1", {112: "still here"}
        if "OrderMassStatusRequest(AF)" in ask:
            return "AF", {584: self._next(), 585: "7"}
        if "OrderStatusRequest(H)" in ask:
            return "H", {11: self._bought[11], 55: self._bought[55], 54: "1"}
        if ask.startswith("Cancel"):
            about = {55: self._bought[55], 54: "1", 38: self._bought[38]}
            return "F", {11: self._next(), 41: self._bought[11], **about}
        if ask.startswith("Replace"):
            (half,) = re.findall(r"Replace it: (\S+) instead", ask)
            fields = self._bought | {41: self._bought[11], 11: self._next(), 38: half}
            return "G", self.twist(fields)
        return "D", self.twist(self._order(ask))

    def _order(self, ask: str) -> dict[int, str]:
        found = re.search(r"(buys|sells) (\S+) (\w+)(?: at ([\d.]+\d))?", ask)
        assert found is not None, ask
        word, quantity, symbol, price = found.groups()
        fields = {11: self._next(), 55: symbol, 54: "1" if word == "buys" else "2", 38: quantity}
        fields |= {40: "2", 44: price} if price else {40: "1"}
        for text, code in _TIME_IN_FORCE.items():
            if text in ask:
                fields[59] = code
        if word == "buys":
            self._bought = fields
        return fields

    def _next(self) -> str:
        self._ids += 1
        return f"{self.comp_id}-{self._ids}"


@attrs.define
class CertifiedBot:
    """One session of the FIX client that obeys."""

    comp_id: str
    port: int
    twist: Twist = lambda fields: fields
    client: Client | None = None
    _reader: Reader = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Read prompts."""
        self._reader = Reader(self.comp_id, self.twist)

    async def log_on(self) -> None:
        """Connect and log on, with the numbers of before if there are any."""
        ledger = None if self.client is None else self.client.ledger
        await self.hang_up()
        self.client = await connect(HOST, self.port, Identity(self.comp_id, "KK99"), ledger)
        await self.client.logon(reset=ledger is None)

    async def obey(self, ask: str) -> None:
        """Do what a prompt asks for."""
        assert self.client is not None
        if ask.startswith("Log out"):
            await self.client.logout()
        elif ask.startswith("Log on again"):
            await self.log_on()
        elif "ResendRequest(2)" in ask:
            await self.client.resend(1)
        else:
            msg_type, fields = self._reader.message(ask)
            now = {60: self.client.timestamp().decode()} if msg_type in {"D", "F", "G"} else {}
            await self.client.send(msg_type, (fields | now).items())

    async def hang_up(self) -> None:
        """Drop the connection, if there is one."""
        if self.client is not None:
            await self.client.aclose()


async def drive(bot: CertifiedBot, asks: trio.MemoryReceiveChannel[str]) -> None:
    """Obey prompts until there are no more."""
    async for line in asks:
        if asked(line):
            await bot.obey(asked(line))
