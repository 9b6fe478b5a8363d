"""A well-behaved session that trades beside a bad one, and notices whatever that does to it.

A round is a buy order and a sell order that takes it.
The four reports must be those of these two orders, and their MsgSeqNum(34) must rise by one: so
nothing is lost, nothing comes twice, and nothing of anybody else's comes.
"""

import math

import trio

from kk99fix.fix.message import Message
from kk99fix.harness.counterparty import Counterparty, StepFailedError
from kk99fix.harness.ids import Ids


class Calm:
    """One session, logged on while it is used."""

    def __init__(self, party: Counterparty, ids: Ids, symbol: str, price: str) -> None:
        """Take a counterparty with a session layer."""
        self.party = party
        self._ids = ids
        self._symbol = symbol
        self._price = price
        self._number = 0
        self.rounds = 0
        #: From each order to its first report.
        self.seconds: list[float] = []

    async def log_on(self) -> None:
        """Log on with numbers from 1."""
        await self.party.logon(reset=True)
        self._number = 1

    async def round(self) -> None:
        """Trade with oneself; raises StepFailedError."""
        self.rounds += 1
        await self._order("BUY", ["NEW"])
        await self._order("SELL", ["NEW", "TRADE", "TRADE"])

    async def _order(self, side: str, reports: list[str]) -> None:
        cl_ord_id = self._ids.new()
        begun = trio.current_time()
        await self.party.send(
            "NewOrderSingle",
            ClOrdID=cl_ord_id,
            Symbol=self._symbol,
            Side=side,
            OrderQty=7,
            OrdType="LIMIT",
            Price=self._price,
            TransactTime=self.party.timestamp(),
        )
        for position, exec_type in enumerate(reports):
            report = await self.party.expect("ExecutionReport", ExecType=exec_type)
            if position == 0:
                self.seconds.append(trio.current_time() - begun)
            self._check(report)

    def _check(self, report: Message) -> None:
        """Hold a report against the run of numbers, in which administrative messages stand too."""
        number = report.get_int(34) or 0
        own = (report.get(11) or b"").startswith(f"{self._ids.prefix}-".encode())
        last, self._number = self._number, number
        if not own or number <= last or report.get_bool(43):
            raise StepFailedError(
                f"{self.party.name}: a report that is not its own, or not new: number {number} "
                f"behind {last}",
                received=report,
            )

    @property
    def p99_s(self) -> float:
        """The 99th percentile of the time to a first report; nan without any."""
        if not self.seconds:
            return math.nan
        return sorted(self.seconds)[math.ceil(len(self.seconds) * 0.99) - 1]
