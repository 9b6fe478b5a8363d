"""config/instruments.toml: what is traded, of eight asset classes.

Each class has its own set of further keys: they are required there and refused elsewhere,
because a strike on an equity is a mistake and not a detail.
"""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Final

from attrs import frozen

from kk99fix.config.decimals import MAX_E8, format_e8
from kk99fix.config.values import AnyPrice, Currency, NotNegative, OneOf, Positive, Symbol


@frozen
class AssetClass:
    """What one asset class asks of an instrument."""

    #: Values of SecurityType(167), FIX 4.4, that are one of it.
    security_types: tuple[str, ...]
    #: Keys that it requires; those that only others require are refused.
    requires: frozenset[str] = frozenset()


_BONDS = ("TNOTE", "TBOND", "TBILL", "TIPS", "EUSOV", "BRADY", "CORP", "EUCORP", "CB", "GO", "REV")

ASSET_CLASSES: Final[dict[str, AssetClass]] = {
    "crypto-spot": AssetClass(("NONE",)),
    "forex": AssetClass(("FOR",)),
    "equity": AssetClass(("CS", "PS")),
    "bond": AssetClass(_BONDS, frozenset({"expiry", "coupon"})),
    "etf": AssetClass(("MF", "CS")),
    "commodity": AssetClass(("FUT", "FORWARD"), frozenset({"expiry"})),
    "option": AssetClass(("OPT",), frozenset({"expiry", "strike", "put_or_call", "underlying"})),
    "future": AssetClass(("FUT",), frozenset({"expiry", "underlying"})),
}


@frozen
class Instrument:
    """One [[instrument]]."""

    symbol: Symbol
    asset_class: Annotated[str, OneOf(*ASSET_CLASSES)]
    #: SecurityType(167).
    security_type: str
    currency: Currency
    #: A price is a multiple of it.
    tick_e8: Positive
    #: A quantity is a multiple of it.
    lot_e8: Positive
    #: Price times quantity times this is money.
    multiplier_e8: Positive
    #: The middle of the price band.
    reference_price_e8: AnyPrice
    #: Half width of the price band; not said: the one of risk.toml; 0: no band.
    price_band_percent_e8: NotNegative | None = None
    #: Last trading day, for a bond its maturity.
    expiry: date | None = None
    strike_e8: AnyPrice | None = None
    put_or_call: Annotated[str, OneOf("put", "call")] | None = None
    underlying: Symbol | None = None
    #: Percent a year.
    coupon_e8: NotNegative | None = None
    #: Whether orders are taken.
    open: bool = True
    #: Whether a session that is being certified may trade it, also on a production venue.
    certification: bool = False

    def band_e8(self, default_percent_e8: int) -> int:
        """Return the half width of the price band, 0 where there is none."""
        own_e8 = self.price_band_percent_e8
        percent_e8 = default_percent_e8 if own_e8 is None else own_e8
        return abs(self.reference_price_e8) * percent_e8 // (100 * 10**8)


@frozen
class InstrumentsFile:
    """The whole of instruments.toml."""

    instrument: tuple[Instrument, ...] = ()


#: Key in the file -> attribute, of all that only some classes have.
_FURTHER = {
    "expiry": "expiry",
    "strike": "strike_e8",
    "put_or_call": "put_or_call",
    "underlying": "underlying",
    "coupon": "coupon_e8",
}


def instrument_mistakes(
    instrument: Instrument, default_percent_e8: int
) -> Iterator[tuple[str, str]]:
    """Yield key and text of whatever contradicts something else in the same instrument.

    `default_percent_e8` is the price band of risk.toml.
    """
    yield from _class_mistakes(instrument)
    yield from _tick_mistakes(instrument)
    yield from _band_mistakes(instrument, default_percent_e8)


def _class_mistakes(instrument: Instrument) -> Iterator[tuple[str, str]]:
    asset_class = ASSET_CLASSES[instrument.asset_class]
    if instrument.security_type not in asset_class.security_types:
        right = " or ".join(f'"{word}"' for word in asset_class.security_types)
        yield "security_type", f'found "{instrument.security_type}"; {right} would be right'
    for key, attribute in _FURTHER.items():
        given = getattr(instrument, attribute) is not None
        if given and key not in asset_class.requires:
            yield key, f"does not apply to asset class {instrument.asset_class}; leave it out"
        if not given and key in asset_class.requires:
            yield key, f"is missing, and asset class {instrument.asset_class} needs it"


def _tick_mistakes(instrument: Instrument) -> Iterator[tuple[str, str]]:
    tick_e8 = instrument.tick_e8
    prices = {"reference_price": instrument.reference_price_e8, "strike": instrument.strike_e8}
    for key, price_e8 in prices.items():
        if price_e8 is not None and price_e8 % tick_e8 != 0:
            below_e8 = price_e8 - price_e8 % tick_e8
            right = f'"{format_e8(below_e8)}" or "{format_e8(below_e8 + tick_e8)}"'
            was = f'found "{format_e8(price_e8)}", off the tick of {format_e8(tick_e8)}'
            yield key, f"{was}; {right} would be right"


def _band_mistakes(instrument: Instrument, default_percent_e8: int) -> Iterator[tuple[str, str]]:
    own_e8 = instrument.price_band_percent_e8
    percent_e8 = default_percent_e8 if own_e8 is None else own_e8
    band_e8 = instrument.band_e8(default_percent_e8)
    if percent_e8 and band_e8 < instrument.tick_e8:
        was = f'found "{format_e8(percent_e8)}", a band narrower than a tick'
        yield "price_band_percent", f'{was}; a wider one, or "0" for none, would be right'
    if abs(instrument.reference_price_e8) + band_e8 > MAX_E8:
        was = f'found "{format_e8(percent_e8)}", a band that ends beyond {format_e8(MAX_E8)}'
        yield "price_band_percent", f"{was}; a narrower one would be right"
