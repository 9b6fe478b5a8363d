"""The walk round the order slots of the reference venue, naively.

It serves sessions that left their orders behind, and those that asked for the status of many.
Who waits has been once round when the walk is back where it stood at the beginning.
"""

from collections.abc import Callable
from typing import Any

import attrs

from support.reference_values import Order, Refusal, Request

#: Slots that an order counts for about which something is reported.
REPORT_WEIGHT = 10
#: A lap, and a slot in it.
Place = tuple[int, int]


@attrs.frozen
class Gone:
    """A session that left its orders behind: those with lower numbers than `below` are pulled."""

    below: int
    end: Place


@attrs.define
class Asked:
    """A session that has asked for the status of many orders."""

    request: Request
    below: int
    end: Place
    counting: bool = True
    #: Orders that are still to be reported on.
    marked: list[Order] = attrs.field(factory=list)
    total: int = 0

    def means(self, order: Order) -> bool:
        """Whether the request is about this order."""
        request = self.request
        return (
            order.state == "live"
            and order.number < self.below
            and request.symbol in {"", order.symbol}
            and request.side in {"", order.side}
            and request.account in {"", order.account}
        )


@attrs.define(kw_only=True)
class Walker:
    """Where the walk stands, who waits, and what it does to each order.

    `slots` and `live` are the venue's lists; the rest is what it lets others do.
    """

    #: How much of it is one slice.
    slice: int
    slots: list[Order]
    live: list[Order]
    cancels: Callable[[str], bool]
    report: Callable[..., Any]
    add: Callable[..., Any]
    cancel: Callable[[Order, str], Any]
    expire_if_due: Callable[[Order], Any]
    place: Place = (0, 0)
    gone: dict[str, Gone] = attrs.field(factory=dict)
    asked: dict[str, Asked] = attrs.field(factory=dict)
    _reported: int = 0

    @property
    def pending(self) -> bool:
        """Whether anybody waits."""
        return bool(self.gone or self.asked)

    # ------------------------------------------------------------------ who waits

    def pull(self, session: str, below: int) -> None:
        """The session has left; those of its orders go that were there."""
        if not self._pullable(session):
            return
        walking = self.pending
        self.gone.pop(session, None)
        self._rest()
        self.gone[session] = Gone(below, self._end)
        self._begin(walking=walking)

    def ask(self, request: Request, below: int) -> None:
        """The session asks for the status of orders."""
        walking = self.pending
        self.asked[request.session] = Asked(request, below, self._end)
        self._begin(walking=walking)

    def lose(self, order: Order) -> None:
        """The slot of a closed order goes to another: it is told of first, or was not counted."""
        asked = self.asked.get(order.session)
        if asked is None or order not in asked.marked:
            return
        if asked.counting:
            asked.marked.remove(order)
        else:
            self._tell(asked, order)

    def _begin(self, *, walking: bool) -> None:
        """The first who waits has the walk go on at once, others wait for a tick."""
        if not walking:
            self.go_on()

    def _rest(self) -> None:
        """Stand at the first slot while nobody waits."""
        if not self.pending:
            self.place = (0, 0)

    @property
    def _end(self) -> Place:
        """Where who begins to wait now has been once round."""
        lap, slot = self.place
        return (lap + 1, slot)

    # ------------------------------------------------------------------ the walk

    def go_on(self) -> None:
        """Look at one slot after the other until so much has been done."""
        left = self.slice
        while self.pending and left > 0:
            self._reported = 0
            lap, slot = self.place
            names = self._round()
            if names:
                for name in names:
                    self._once_round(name)
            elif slot == len(self.slots):
                self.place = (lap + 1, 0)
            else:
                self.place = (lap, slot + 1)
                self._visit(self.slots[slot])
                left -= 1
            left -= REPORT_WEIGHT * self._reported

    def _round(self) -> list[str]:
        """Sessions that have been once round for one thing or another."""
        waiting: list[tuple[str, Gone | Asked]] = [*self.gone.items(), *self.asked.items()]
        return sorted({name for name, wait in waiting if wait.end <= self.place})

    def _once_round(self, session: str) -> None:
        """What the session waited for has been seen."""
        if session in self.gone and self.gone[session].end <= self.place:
            del self.gone[session]
        asked = self.asked.get(session)
        if asked is not None and asked.end <= self.place:
            assert asked.counting, "all that were counted have been reported on"
            asked.counting, asked.total, asked.end = False, len(asked.marked), self._end
            if not asked.marked:
                self.report_none(asked.request, "NO_OPEN_ORDERS")
                del self.asked[session]
        self._rest()

    def _visit(self, order: Order) -> None:
        """Do what the session of an order waits for."""
        asked, gone = self.asked.get(order.session), self.gone.get(order.session)
        if (asked or gone) and order.state == "live" and self.expire_if_due(order):
            self._reported += 1
        if asked is not None and order in asked.marked:
            if not asked.counting:
                self._tell(asked, order)
        elif asked is not None and asked.counting and asked.means(order):
            asked.marked.append(order)
        if gone is not None and order.state == "live" and order.number < gone.below:
            self._pull(order)

    # ------------------------------------------------------------------ disconnects

    def _is_pulled(self, order: Order) -> bool:
        """Whether the order goes when its session does."""
        if order.on_disconnect:
            return order.on_disconnect == "Q"
        return self.cancels(order.session)

    def _pullable(self, session: str) -> bool:
        return any(order.session == session and self._is_pulled(order) for order in self.live)

    def _pull(self, order: Order) -> None:
        if not self._is_pulled(order):
            return
        self._reported += 1
        self.cancel(order, "CANCEL_ON_DISCONNECT")
        if not self._pullable(order.session):
            del self.gone[order.session]
            self._rest()

    # ------------------------------------------------------------------ status of many

    def _tell(self, asked: Asked, order: Order) -> None:
        """Report on an order that was asked for; the last one says so."""
        self._reported += 1
        asked.marked.remove(order)
        self.report(
            order,
            exec_type="I",
            mass_id=asked.request.clord_id,
            total=asked.total,
            last="N" if asked.marked else "Y",
        )
        if not asked.marked:
            del self.asked[order.session]
            self._rest()

    def report_none(self, request: Request, code: str) -> None:
        """Say that there is no order to report on, and why."""
        self._reported += 1
        self.add(
            session=request.session,
            msg_type="8",
            order_id="NONE",
            clord_id="",
            exec_type="I",
            ord_status="8",
            symbol=request.symbol or "[N/A]",
            side=request.side or "7",
            leaves=0,
            cum=0,
            avg_px=0,
            mass_id=request.clord_id,
            total=0,
            last="Y",
            refusal=Refusal(code),
        )
