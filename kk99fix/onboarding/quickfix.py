"""The settings file with which a counterparty's QuickFIX connects as it is.

It has what QuickFIX, QuickFIX/J and QuickFIX/n share; where they differ a comment says so.
The engine has to start its numbers over when the session does, so its StartDay and EndDay span
what lies between two resets, and where there is none the session never stops.
"""

from collections.abc import Iterator

from kk99fix.config.calendar import WEEKDAYS
from kk99fix.config.schedule import Schedule
from kk99fix.config.sessions import SessionFile
from kk99fix.onboarding.door import Door

_NAMES = dict(
    zip(
        WEEKDAYS,
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        strict=True,
    )
)
_HEART_BT_INT_S = 30
_TLS = (
    "# TLS, for QuickFIX/J and QuickFIX/n; one in C++ goes through stunnel or an SSL build.",
    "# Trust server.pem, or the CA that issued it.",
    "SocketUseSSL=Y",
    "SSLEnable=Y",
)


def settings(session: SessionFile, door: Door, dictionary: str) -> str:
    """Return the file's text; `dictionary` is the name of the data dictionary beside it."""
    shortest_s, longest_s = session.logon.heart_bt_int
    lines = [
        f"# {session.comp_id} at {session.session.target_comp_id}, for QuickFIX in any language.",
        *_credentials(session),
        "[DEFAULT]",
        "ConnectionType=initiator",
        "ReconnectInterval=5",
        "FileStorePath=store",
        "FileLogPath=log",
        "SocketNodelay=Y",
        f"HeartBtInt={min(max(_HEART_BT_INT_S, shortest_s), longest_s)}",
        "UseDataDictionary=Y",
        f"DataDictionary={dictionary}",
        "ResetOnLogon=N",
        "ResetOnLogout=N",
        "ResetOnDisconnect=N",
        "",
        "[SESSION]",
        "BeginString=FIX.4.4",
        f"SenderCompID={session.comp_id}",
        f"TargetCompID={session.session.target_comp_id}",
        f"SocketConnectHost={door.host}",
        f"SocketConnectPort={door.port}",
        *(_TLS if door.tls else ()),
        *_times(session.schedule),
    ]
    return "\n".join(lines) + "\n"


def _credentials(session: SessionFile) -> Iterator[str]:
    """Say what the application puts into its Logon(A): QuickFIX has no setting for it."""
    logon = session.logon
    if logon.username is not None:
        proof = "Password(554)"
        if logon.public_key is not None:
            proof = "a signature in RawData(96)"
        elif logon.totp is not None:
            proof = "Password(554) and a code in RawData(96)"
        yield f"# Your application adds Username(553)={logon.username} and {proof} to its Logon(A),"
        yield "# in toAdmin; what is secret comes to you another way and does not belong in here."


def _times(schedule: Schedule | None) -> Iterator[str]:
    if schedule is None or schedule.reset == "never":
        yield "# The numbers go on for ever.  A QuickFIX without NonStopSession starts them over at"
        yield "# StartTime: ask for a session with a weekly schedule, or take a newer engine."
        yield "NonStopSession=Y"
        return
    if schedule.start_day is not None and schedule.end_day is not None:
        yield f"StartDay={_NAMES[schedule.start_day]}"
        yield f"EndDay={_NAMES[schedule.end_day]}"
    elif schedule.reset == "weekly":
        yield f"StartDay={_NAMES[schedule.days[0]]}"
        yield f"EndDay={_NAMES[_last_end_day(schedule)]}"
    yield f"StartTime={schedule.start}:00"
    yield f"EndTime={schedule.end}:00"
    if schedule.zone != "UTC":
        yield "# QuickFIX in C++ has no TimeZone: give it StartTime and EndTime in UTC."
        yield f"TimeZone={schedule.zone}"


def _last_end_day(schedule: Schedule) -> str:
    """Return the day on which the last period of a week ends."""
    last = WEEKDAYS.index(schedule.days[-1])
    overnight = schedule.end <= schedule.start
    return WEEKDAYS[(last + overnight) % len(WEEKDAYS)]
