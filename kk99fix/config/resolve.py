"""Settings to the content of the CONFIG input.

The venue reads no files: what may influence one of its outputs reaches it through this value,
which is journaled.  So it holds plain integers and strings, everything resolved (defaults, rates,
bands, who sees whose reports), and neither secrets nor ids: the venue gives out the ids.
What only the live process needs (addresses, passwords, timeouts, buffers) is left out.

Equal settings give equal content, which json.dumps takes as it is.
"""

from typing import Any

from attrs import asdict

from kk99fix.config.calendar import NS_PER_S
from kk99fix.config.instruments import Instrument
from kk99fix.config.load import Settings
from kk99fix.config.risk import Limits, SessionLimits
from kk99fix.config.sessions import SessionFile, account_owners, followed_accounts


def resolve(settings: Settings) -> dict[str, Any]:
    """Return the content of the CONFIG input.

    Limits are 0 where there is none; prices, quantities and rates are in units of 1e-8.
    """
    sessions, risk = settings.sessions, settings.risk
    owner = account_owners(sessions)
    firms = sorted({value.session.firm for value in sessions})
    return {
        "venue": _venue(settings),
        "calendar": _calendar(settings),
        "instruments": {
            instrument.symbol: _instrument(settings, instrument)
            for instrument in settings.instruments.instrument
        },
        "firms": {firm: {"limits": _limits(risk.firm.get(firm, Limits()))} for firm in firms},
        "accounts": {
            account: {"firm": firm, "limits": _limits(risk.account.get(account, Limits()))}
            for account, firm in owner.items()
        },
        "sessions": {value.comp_id: _session(settings, value, owner) for value in sessions},
    }


def _venue(settings: Settings) -> dict[str, Any]:
    venue = settings.venue
    capacity = asdict(venue.capacity)
    del capacity["ring_bytes"], capacity["touch_at_start"]
    return {
        "comp_id": venue.venue.comp_id,
        "currency": venue.venue.currency,
        "after_restart": venue.venue.after_restart,
        "reopen_after_ns": venue.venue.reopen_after_s * NS_PER_S,
        "test_venue": venue.venue.test_venue,
        "max_order_age_ns": venue.order_entry.max_order_age_s * NS_PER_S,
        "sending_time_tolerance_ns": venue.order_entry.sending_time_tolerance_s * NS_PER_S,
        "capacity": capacity,
    }


def _calendar(settings: Settings) -> dict[str, Any]:
    roll = settings.calendar.roll
    return {
        "time": roll.time,
        "zone": roll.zone,
        "days": list(roll.days),
        "holidays": sorted(f"{day:%Y%m%d}" for day in roll.holidays),
    }


def _instrument(settings: Settings, instrument: Instrument) -> dict[str, Any]:
    rate_e8 = settings.venue.rate_e8(instrument.currency)
    assert rate_e8 is not None, "checked at load"
    resolved = {
        key: value
        for key, value in asdict(instrument).items()
        if value is not None and key not in ("symbol", "price_band_percent_e8")
    }
    resolved["rate_e8"] = rate_e8
    resolved["band_e8"] = instrument.band_e8(settings.risk.default.price_band_percent_e8)
    if instrument.expiry is not None:
        resolved["expiry"] = f"{instrument.expiry:%Y%m%d}"
    return resolved


def _session(settings: Settings, value: SessionFile, owner: dict[str, str]) -> dict[str, Any]:
    identity = value.session
    otherwise = settings.risk.default if identity.role == "order-entry" else SessionLimits()
    return {
        "sender_comp_id": identity.sender_comp_id,
        "target_comp_id": identity.target_comp_id,
        "role": identity.role,
        "firm": identity.firm,
        "enabled": identity.enabled,
        "accounts": list(identity.accounts),
        "dialect": identity.dialect,
        "timestamp_precision": identity.timestamp_precision,
        "last_msg_seq_num_processed": identity.last_msg_seq_num_processed,
        "limits": _limits(value.limits, otherwise),
        "throttle": _throttle(value.limits, otherwise),
        "heart_bt_int": list(value.logon.heart_bt_int),
        "reset_seq_num": value.logon.reset_seq_num,
        "cancel_on_disconnect": value.logon.cancel_on_disconnect,
        "cancel_grace_ns": value.logon.cancel_grace_s * NS_PER_S,
        "cancel_on_logout": value.logon.cancel_on_logout,
        "drop_copy": _scope(value, owner),
        "certification": {
            "required": value.certification.require_certification,
            "functions": sorted(value.certification.functions),
        },
    }


def _scope(value: SessionFile, owner: dict[str, str]) -> dict[str, Any]:
    """Return whose reports the session receives: all, or those of two sorted lists.

    "*" names nobody, so that it is the same whoever comes and goes, and takes in who is gone.
    """
    scope = value.drop_copy
    if "*" in scope.firms:
        return {"all": True, "firms": [], "accounts": []}
    accounts = followed_accounts(scope, owner) | set(scope.accounts)
    return {"all": False, "firms": sorted(scope.firms), "accounts": sorted(accounts)}


def _limits(own: Limits, otherwise: Limits | None = None) -> dict[str, int]:
    """Return limits with 0 for what neither `own` nor `otherwise` says."""
    fallback = otherwise or Limits()
    keys = ("max_order_qty_e8", "max_order_notional_e8", "max_open_orders")
    return {key: _said(own, fallback, key) for key in keys}


def _throttle(own: SessionLimits, otherwise: SessionLimits) -> dict[str, int]:
    """Return how fast a session may send, in the same way."""
    return {
        "messages_per_second": _said(own, otherwise, "messages_per_second"),
        "orders_per_second": _said(own, otherwise, "orders_per_second"),
        "logout_after": _said(own, otherwise, "throttle_logout_after"),
    }


def _said(own: Limits, otherwise: Limits, key: str) -> int:
    value = getattr(own, key)
    return (getattr(otherwise, key) if value is None else value) or 0
