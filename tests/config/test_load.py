import attrs
from support.config_folder import REPOSITORY, ConfigFolder

from kk99fix.config.instruments import ASSET_CLASSES
from kk99fix.config.load import load
from kk99fix.config.venue import Capacity, Journal, Listen, OrderEntry, SlowReader


def test_the_shipped_files_are_right() -> None:
    """A fresh clone starts: no mistake, all eight asset classes, two brokers and a drop copy."""
    settings = load(REPOSITORY / "config", REPOSITORY / "sessions")

    assert {one.asset_class for one in settings.instruments.instrument} == set(ASSET_CLASSES)
    assert [session.comp_id for session in settings.sessions] == ["BROKER1", "BROKER2", "DROPCOPY1"]


def test_the_shipped_venue_file_shows_the_defaults() -> None:
    """The file says that what is left out keeps the value it shows: it does."""
    venue = load(REPOSITORY / "config", REPOSITORY / "sessions").venue

    assert venue.listen == Listen()
    assert venue.journal == Journal()
    assert venue.capacity == Capacity()
    assert venue.order_entry == OrderEntry()
    assert venue.slow_reader == SlowReader()


def test_named_instruments_have_their_values() -> None:
    """Prices and sizes arrive as exact integers of 1e-8."""
    settings = load(REPOSITORY / "config", REPOSITORY / "sessions")
    by_symbol = {one.symbol: one for one in settings.instruments.instrument}

    apple, bitcoin = by_symbol["AAPL"], by_symbol["BTC-USD"]
    assert (apple.tick_e8, apple.lot_e8, apple.reference_price_e8) == (10**6, 10**8, 190 * 10**8)
    assert (bitcoin.tick_e8, bitcoin.lot_e8) == (10**6, 10**4)
    assert bitcoin.reference_price_e8 == 60_000 * 10**8


def test_every_section_of_a_session_file_is_optional_but_the_first(folder: ConfigFolder) -> None:
    """What is left out is the careful choice: loopback only, no sequence reset."""
    folder.write(
        "sessions/BROKER3.toml",
        '[session]\nsender_comp_id = "BROKER3"\ntarget_comp_id = "KK99"\n'
        'role = "order-entry"\nfirm = "Broker Three"\naccounts = ["B3"]\n',
    )

    session = folder.load().session("BROKER3")

    assert session is not None
    assert [str(network) for network in session.logon.allow_from] == ["127.0.0.0/8", "::1/128"]
    assert session.logon.reset_seq_num == "refused"
    assert session.logon.heart_bt_int == (5, 60)
    assert not any(attrs.astuple(session.limits))


def test_files_that_are_no_session_files_are_left_alone(folder: ConfigFolder) -> None:
    """Backups, hidden files and notes in sessions/ are not read."""
    for name in ("BROKER1.toml~", ".BROKER1.toml", "README"):
        folder.write(f"sessions/{name}", "not TOML")

    assert folder.mistakes() == []


def test_an_unknown_comp_id_has_no_session(folder: ConfigFolder) -> None:
    """Asking for a session that is not there is a plain None."""
    assert folder.load().session("NOBODY") is None
