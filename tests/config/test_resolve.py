import json

from support.config_folder import ConfigFolder

from kk99fix.config.resolve import resolve

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g"


def test_limits_fall_back_to_the_default_and_then_to_unlimited(folder: ConfigFolder) -> None:
    """A session takes risk.toml's default; a firm or account without a limit has none."""
    folder.replace("sessions/BROKER1.toml", "[limits]", '[limits]\nmax_order_qty = "12.5"')
    resolved = resolve(folder.load())

    assert resolved["sessions"]["BROKER1"]["limits"] == {
        "max_order_qty_e8": 1_250_000_000,
        "max_order_notional_e8": 50_000_000 * 10**8,
        "max_open_orders": 100_000,
    }
    assert resolved["accounts"]["B1-CLIENT"] == {
        "firm": "Broker One",
        "limits": {
            "max_order_qty_e8": 0,
            "max_order_notional_e8": 10_000_000 * 10**8,
            "max_open_orders": 0,
        },
    }
    assert resolved["firms"]["Broker Two"]["limits"]["max_open_orders"] == 200_000


def test_a_zero_limit_is_unlimited_and_does_not_fall_back(folder: ConfigFolder) -> None:
    """0 said in a session file is a decision, not an absence."""
    folder.replace("sessions/BROKER1.toml", "max_open_orders = 100_000", 'max_order_qty = "0"')

    limits = resolve(folder.load())["sessions"]["BROKER1"]["limits"]

    assert limits["max_order_qty_e8"] == 0
    assert limits["max_open_orders"] == 100_000


def test_how_fast_a_session_may_send(folder: ConfigFolder) -> None:
    """A session takes risk.toml's default, and 0 in its own file is unlimited."""
    for key, value in (("messages", 50), ("orders", 20)):
        rate = f"{key}_per_second = "
        folder.replace("config/risk.toml", f"{rate}0", f"{rate}{value}")
    folder.replace("config/risk.toml", "logout_after = 0", "logout_after = 3")
    folder.replace("sessions/BROKER1.toml", "[limits]", "[limits]\nmessages_per_second = 0")
    sessions = resolve(folder.load())["sessions"]

    rates = {name: list(session["throttle"].values()) for name, session in sessions.items()}
    assert rates == {"BROKER1": [0, 20, 3], "BROKER2": [50, 20, 3], "DROPCOPY1": [0, 0, 0]}


def test_what_a_session_is_sent(folder: ConfigFolder) -> None:
    """Milliseconds and no LastMsgSeqNumProcessed(369), unless its file says otherwise."""
    identity = 'timestamp_precision = "seconds"\nlast_msg_seq_num_processed = true\nrole'
    folder.replace("sessions/DROPCOPY1.toml", "role", identity)
    sessions = resolve(folder.load())["sessions"]

    for name, told in {"BROKER1": ("milliseconds", False), "DROPCOPY1": ("seconds", True)}.items():
        session = sessions[name]
        assert (session["timestamp_precision"], session["last_msg_seq_num_processed"]) == told


def test_drop_copy_scopes_are_written_out(folder: ConfigFolder) -> None:
    """Of one firm or one account: the accounts stand there by name; everybody has no names."""
    of_two = ["B2-CLIENT", "B2-HOUSE"]
    scopes = {
        'firms = ["*"]': {"all": True, "firms": [], "accounts": []},
        'firms = ["Broker Two"]': {"all": False, "firms": ["Broker Two"], "accounts": of_two},
        'accounts = ["B1-HOUSE"]': {"all": False, "firms": [], "accounts": ["B1-HOUSE"]},
    }
    before = 'firms = ["*"]'
    for text, scope in scopes.items():
        folder.replace("sessions/DROPCOPY1.toml", before, text)
        before = text

        assert resolve(folder.load())["sessions"]["DROPCOPY1"]["drop_copy"] == scope


def test_bands_and_rates_are_numbers(folder: ConfigFolder) -> None:
    """Percent and currency are gone: the band is a price, the rate a factor."""
    folder.replace("config/instruments.toml", 'currency = "USD"', 'currency = "EUR"')
    instruments = resolve(folder.load())["instruments"]

    assert instruments["AAPL"]["rate_e8"] == 108_000_000
    assert instruments["SPY"]["rate_e8"] == 100_000_000
    assert instruments["AAPL"]["band_e8"] == 19 * 10**8
    assert instruments["EUR-USD"]["band_e8"] == 5_400_000


def test_a_band_of_zero_percent_is_no_band(folder: ConfigFolder) -> None:
    """The core takes a band of 0 for none."""
    folder.replace(
        "config/instruments.toml", 'price_band_percent = "5"', 'price_band_percent = "0"'
    )

    assert resolve(folder.load())["instruments"]["EUR-USD"]["band_e8"] == 0


def test_the_content_is_integers_and_text_alone(folder: ConfigFolder) -> None:
    """No float, no null, no secret: JSON takes it and gives it back the same."""
    folder.replace(
        "sessions/BROKER1.toml", "[logon]", f'[logon]\nusername = "b1"\npassword_hash = "{HASH}"'
    )
    resolved = resolve(folder.load())
    text = json.dumps(resolved)

    def refuse(found: str) -> None:
        raise AssertionError(found)

    assert json.loads(text, parse_float=refuse, parse_constant=refuse) == resolved
    assert text.isascii()
    assert "null" not in text
    assert "argon2" not in text


def test_what_only_the_live_process_needs_is_left_out(folder: ConfigFolder) -> None:
    """A new port, buffer or network is no new CONFIG input."""
    before = resolve(folder.load())
    folder.replace("config/venue.toml", "port = 9944", "port = 9954")
    folder.replace("config/venue.toml", "ring_bytes = 1_048_576", "ring_bytes = 2_097_152")
    folder.replace("sessions/BROKER1.toml", '"127.0.0.0/8", ', "")

    assert resolve(folder.load()) == before
