"""Requests between the reference venue and FIX: as fields, back from reports, and at random."""

import random

import attrs

from kk99fix.fix import tables
from kk99fix.fix.values import decimal_e8, format_e8, format_utc_timestamp
from support.reference_values import Order, Refusal, Report, Request
from support.reference_venue import ReferenceVenue
from support.small_venue import E8, NS_PER_S
from support.venue_desk import Fields, Sent

SESSIONS = ("ALPHA", "BETA", "GAMMA")
SYMBOLS = (*("AAPL", "COIN", "SPREAD", "BOND") * 8, "AAPL", "SHUT", "NONE")


# ------------------------------------------------------------------ requests to FIX


def fix_header(request: Request, now_ns: int) -> Fields:
    """What the header says beyond the usual."""
    sent = format_utc_timestamp(now_ns - request.age_ns, 9).decode()
    return {52: sent, 97: "Y" if request.poss_resend else ""}


def fix_fields(request: Request, now_ns: int) -> Fields:
    """The body of a request."""
    if request.kind == "AF":
        return {
            584: request.clord_id,
            585: request.mass_type,
            1: request.account,
            55: request.symbol,
            54: request.side,
        }
    fields = {
        11: request.clord_id,
        41: request.orig_clord_id,
        37: request.order_id,
        1: request.account,
        55: request.symbol,
        54: request.side,
    }
    if request.kind != "H":
        fields[60] = format_utc_timestamp(now_ns).decode()
    if request.kind in {"D", "G"}:
        fields[38] = _number(request.qty)
        fields[40] = request.ord_type
        fields[44] = _number(request.price)
        fields[59] = request.time_in_force
        fields[18] = request.on_disconnect
    return fields


def _number(value: int | None) -> str:
    return "" if value is None else format_e8(value).decode()


# ------------------------------------------------------------------ FIX to reports


def report_of(sent: Sent) -> Report:
    """What an ExecutionReport(8), OrderCancelReject(9) or BusinessMessageReject(j) says."""
    return Report(
        session=sent.session,
        msg_type=sent[35],
        order_id=sent[37],
        clord_id=sent[11] or sent[379],
        orig_clord_id=sent[41],
        exec_type=sent[150],
        ord_status=sent[39],
        symbol=sent[55],
        side=sent[54],
        qty=_e8(sent[38]),
        price=_e8(sent[44]),
        ord_type=sent[40],
        time_in_force=sent[59],
        trade=sent[527],
        last_qty=_e8(sent[32]),
        last_price=_e8(sent[31]),
        leaves=_e8(sent[151]),
        cum=_e8(sent[14]),
        avg_px=_e8(sent[6]),
        liquidity=sent[851],
        priority=sent[638],
        mass_id=sent[584],
        total=int(sent[911]) if sent[911] else None,
        last=sent[912],
        refusal=_refusal(sent),
    )


def _e8(text: str) -> int | None:
    if not text:
        return None
    value = decimal_e8(text.encode())
    assert value is not None
    assert format_e8(value).decode() == text, "needless zeros"
    return value


def _refusal(sent: Sent) -> Refusal | None:
    """Text(58) read by its grammar; the reasons and the tags of dialect kk99 have to agree."""
    if not sent[58]:
        return None
    code, *parts = sent[58].split("; ")
    if sent[35] == "j" and not parts:
        return Refusal(code)
    rule = tables.REJECT_CODES[code]
    assert parts.pop() == rule.sentence
    numbers = [part.partition("=") for part in parts]
    assert len(numbers) in {0, 2, 3}
    assert [name for name, _, _ in numbers] == ["limit", "value", "headroom"][: len(numbers)]
    values = [value for _, _, value in numbers]
    own = [sent[20001], *(sent[tag] for tag in (20002, 20003, 20004) if tag in sent.fields)]
    has_own = sent.session == "BETA" and sent[35] != "j"
    assert own == ([str(rule.number), *values] if has_own else [""])
    assert sent[103] in {"", str(rule.ord_rej_reason)}
    assert sent[102] in {"", str(rule.cxl_rej_reason)}
    assert bool(sent[103]) == (sent[39] == "8" and sent[35] == "8")
    assert bool(sent[102]) == (sent[35] == "9")
    assert sent[380] == ("0" if sent[35] == "j" else "")
    return Refusal(code, *(_e8(value) for value in values))


# ------------------------------------------------------------------ requests at random


class OrderStream:
    """Random requests, most of them sensible, aimed at what the reference has."""

    def __init__(self, random_: random.Random, reference: ReferenceVenue) -> None:
        """Look at `reference`; it is fed by somebody else."""
        self._random = random_
        self._reference = reference
        self._ids = 0

    def next(self) -> Request:
        """One more request."""
        chance = self._random.random()
        if chance < 0.62:
            return self._new()
        if chance < 0.76:
            return self._change("F")
        if chance < 0.96:
            return self._change("G")
        return self._status() if chance < 0.98 else self._mass_status()

    def _maybe(self, probability: float) -> bool:
        return self._random.random() < probability

    def _id(self, session: str) -> str:
        """A new id, rarely one that was used before."""
        if self._maybe(0.02) and self._reference.orders:
            used = self._random.choice(self._reference.orders[-50:])
            if used.session == session:
                return used.clord_id
        if self._maybe(0.003):
            return "I" * self._random.randint(36, 40)
        self._ids += 1
        return f"{session[0]}{self._ids}"

    def _again(self, session: str, clord_id: str) -> bool:
        """Whether a request says that it may have been sent before: mostly where it has been."""
        return self._maybe(0.5 if (session, clord_id) in self._reference.ids else 0.02)

    def _age(self, probability: float) -> int:
        """Rarely as old as an order may be, or older."""
        old = self._random.choice([30 * NS_PER_S, 30 * NS_PER_S + 1, 31 * NS_PER_S])
        return old if self._maybe(probability) else 0

    def _terms(self, symbol: str, side: str) -> tuple[int | None, int | None]:
        """Quantity and price; mostly on lot and tick, near the reference price."""
        instruments = self._reference.configuration["instruments"]
        instrument = instruments.get(symbol, instruments["AAPL"])
        tick, lot = instrument["tick_e8"], instrument["lot_e8"]
        qty: int | None = lot * self._random.randint(1, 30)
        away = self._random.randint(-5, 8) * (-1 if side == "1" else 1)
        price: int | None = instrument["reference_price_e8"] + tick * away
        if self._maybe(0.02):
            qty = self._random.choice([None, 0, 1, lot + 1, min(lot << 41, 2**63 - 1), 9001 * E8])
        if self._maybe(0.03):
            price = self._random.choice(
                [None, instrument["reference_price_e8"] + 20 * tick, 0, 1, tick // 2, -(2**63)]
            )
        return qty, price

    def _new(self) -> Request:
        session = self._random.choice(SESSIONS)
        symbol = self._random.choice(SYMBOLS)
        accounts = [*self._reference.configuration["sessions"][session]["accounts"], "", "", ""]
        side = self._random.choice("12")
        qty, price = self._terms(symbol, side)
        ord_type = self._random.choice("222222222221")
        clord_id = self._id(session)
        return Request(
            kind="D",
            session=session,
            clord_id=clord_id,
            account="B9" if self._maybe(0.01) else self._random.choice(accounts),
            symbol=symbol,
            side=side,
            qty=qty or 0,
            price=None if ord_type == "1" and self._maybe(0.8) else price,
            ord_type=ord_type,
            time_in_force=self._random.choice(["", "0", "0", "0", "1", "1", "1", "3", "4"]),
            on_disconnect=self._random.choice([""] * 8 + ["H", "Q"]),
            age_ns=self._age(0.01),
            poss_resend=self._again(session, clord_id),
        )

    def _target(self) -> Order | None:
        live = self._reference.live()
        if live and self._maybe(0.9):
            return self._random.choice(live)
        orders = self._reference.orders[-200:]
        return self._random.choice(orders) if orders and self._maybe(0.95) else None

    def _former(self, order: Order) -> str:
        """An id of the order, rarely an earlier one or that of its cancel."""
        if self._maybe(0.95):
            return order.clord_id
        ids = [name for (_, name), named in self._reference.ids.items() if named is order]
        return self._random.choice(ids or [order.clord_id])

    def _change(self, kind: str) -> Request:
        order = self._target()
        if order is None:
            order = Order(
                number=0,
                session=self._random.choice(SESSIONS),
                account="",
                symbol="AAPL",
                side="1",
                qty=E8,
                price=100 * E8,
                ord_type="2",
                time_in_force="0",
                clord_id="nobody's",
                last_day=0,
            )
        session = order.session if self._maybe(0.97) else self._random.choice(SESSIONS)
        clord_id = self._id(session)
        request = Request(
            kind=kind,
            session=session,
            clord_id=clord_id,
            orig_clord_id=self._former(order) or "none",
            order_id=self._order_id(order),
            symbol=order.symbol if self._maybe(0.97) else self._random.choice(SYMBOLS),
            side=order.side if self._maybe(0.97) else self._random.choice("12"),
            ord_type="",
            age_ns=self._age(0.02),
            poss_resend=self._again(session, clord_id),
        )
        return self._with_terms(request, order) if kind == "G" else request

    def _order_id(self, order: Order) -> str:
        if self._maybe(0.7):
            return ""
        return self._random.choice([str(order.number)] * 8 + ["0", "x7", "00000000000000000001"])

    def _with_terms(self, request: Request, order: Order) -> Request:
        qty, price = self._terms(order.symbol, order.side)
        return attrs.evolve(
            request,
            qty=qty or 0,
            price=order.price if self._maybe(0.4) and order.price else price,
            ord_type=self._random.choice("222222222221"),
            time_in_force=self._random.choice(["", "0", "1", "1", "1", "3"]),
            account=self._random.choice([""] * 6 + [order.account] * 3 + ["A2"]),
            on_disconnect=self._random.choice([""] * 8 + ["H", "Q"]),
        )

    def _status(self) -> Request:
        order = self._target()
        session = order.session if order else "ALPHA"
        return Request(
            kind="H",
            session=session,
            clord_id=(self._former(order) if order else "") or "nobody",
            order_id=self._order_id(order) if order else "",
            symbol=order.symbol if order else "AAPL",
            side=order.side if order else "2",
            poss_resend=self._maybe(0.1),
        )

    def _mass_status(self) -> Request:
        session = self._random.choice(SESSIONS)
        accounts = self._reference.configuration["sessions"][session]["accounts"]
        self._ids += 1
        return Request(
            kind="AF",
            session=session,
            clord_id=f"M{self._ids}",
            mass_type=self._random.choice("7771112"),
            account=self._random.choice(["", "", "", *accounts, "B9"]),
            symbol=self._random.choice(["", "", "AAPL", "COIN", "SPREAD", "NONE"]),
            side=self._random.choice(["", "", "", "1", "2", "5"]),
        )
