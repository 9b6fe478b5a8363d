"""config/risk.toml: limits of the venue, of firms and of accounts; a session's are in its file.

Of all limits that apply to an order the tightest wins.
"""

from attrs import Factory, frozen

from kk99fix.config.values import E8, Account, CountOrZero, Name, NotNegative

NO_BAND = E8(0)


@frozen
class Limits:
    """What one session, account or firm may do; None: not said, 0: unlimited."""

    max_order_qty_e8: NotNegative | None = None
    #: In the venue's currency.
    max_order_notional_e8: NotNegative | None = None
    max_open_orders: CountOrZero | None = None


@frozen
class SessionLimits(Limits):
    """What one session may do: how much, and how fast."""

    #: Messages other than cancels in any second, and cancels in any second.
    messages_per_second: CountOrZero | None = None
    #: Orders and replaces in any second.
    orders_per_second: CountOrZero | None = None
    #: So many refusals in a row for being too fast end the session; 0: never.
    throttle_logout_after: CountOrZero | None = None


@frozen
class Default(SessionLimits):
    """[default]: the limits of a session whose file says nothing, and the usual price band."""

    #: Half width of the band around an instrument's reference price; 0: no band.
    price_band_percent_e8: NotNegative = NO_BAND


@frozen
class RiskFile:
    """The whole of risk.toml."""

    default: Default = Factory(Default)
    account: dict[Account, Limits] = Factory(dict)
    firm: dict[Name, Limits] = Factory(dict)
