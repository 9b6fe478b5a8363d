"""Why a Logon(A) was not taken for a session's: its CompIDs, its networks, its times, lock-out."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from kk99fix.config.load import Settings
from kk99fix.config.schedule import next_period
from kk99fix.config.schedule_words import opening_words
from kk99fix.config.sessions import SessionFile
from kk99fix.gateway.explanation import Explanation, Step, of_file, says
from kk99fix.gateway.refused_logons import RefusedLogon
from kk99fix.journal.printer import utc
from kk99fix.venue.credentials import GUESSES_A_DAY

NAMES_SHOWN: Final = 10


def _known_session(refused: RefusedLogon, settings: Settings) -> str:
    """Which CompIDs there are that may have been meant."""
    sender, target = refused.sender_comp_id or "", refused.target_comp_id or ""
    if refused.file is not None:
        right = refused.file.session.target_comp_id
        return f'{sender} has TargetCompID(56) "{right}", and the Logon(A) had "{target}"'
    names = [file.comp_id for file in settings.sessions]
    if target in names:
        return f'SenderCompID(49) has to be "{target}" and 56 our name: they are swapped'
    close = get_close_matches(sender.upper(), [name.upper() for name in names], cutoff=0.7)
    alike = [name for name in names if name.upper() in close]
    if alike:
        return f'no session is "{sender}"; alike are {_list(alike)}'
    return f'no session is "{sender}"; there are {_list(names) or "none"}'


def _list(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - NAMES_SHOWN} more" if len(every) > NAMES_SHOWN else ""
    return ", ".join(every[:NAMES_SHOWN]) + more


def _networks(file: SessionFile, refused: RefusedLogon) -> str:
    networks = _list(str(network) for network in file.logon.allow_from)
    return f"{file.comp_id} may log on from {networks}, and this was {refused.peer.address}"


def _open_times(file: SessionFile, refused: RefusedLogon) -> str:
    if file.schedule is None:
        return f"{file.comp_id} is always open"
    starts = utc(next_period(file.schedule, refused.time_ns).start_ns)[:16].replace("T", " ")
    return f"{file.comp_id} is {opening_words(file.schedule)}; it starts next at {starts} UTC"


SESSIONS: Final = {
    "unknown-session": Explanation(
        Step.SESSION,
        "no session file has these CompIDs",
        _known_session,
        "sender_comp_id and target_comp_id of [session] in the session files; `kk99fix sessions`",
        "Have the counterparty put its CompIDs right, or add its file to sessions/: "
        "`kk99fix check` says whether it is complete",
    ),
    "network": Explanation(
        Step.NETWORK,
        "the session may not log on from that address",
        of_file(_networks),
        "allow_from of [logon] in the session's file",
        "If the address is the counterparty's, add it to allow_from; `kk99fix check` then says "
        "whether the file is right. If it is not, somebody else uses its CompID: tell them",
    ),
    "disabled": Explanation(
        Step.SESSION,
        "its file says enabled = false",
        says("enabled = true, or no such key"),
        "enabled of [session] in the session's file",
        "Whoever wrote it there knows why; take it out when the session may be on again",
    ),
    "outside-schedule": Explanation(
        Step.SCHEDULE,
        "the session is not open now, or its connection of before is still going",
        of_file(_open_times),
        "[schedule] of the session's file; `kk99fix sessions` shows whether it is open",
        "Have the counterparty log on within its times, or change [schedule]; a clock that is "
        "wrong shows in kk99_clock_error_seconds",
    ),
    "locked": Explanation(
        Step.LOCK_OUT,
        "it has failed as often as 24 hours allow, so nothing is verified",
        says(f"fewer than {GUESSES_A_DAY} failures within 24 hours"),
        "`kk99fix ctl locks` shows the failures and when the lock ends by itself; `kk99fix ctl "
        "refusals --session {session}` shows from where they came",
        "Find out who failed: the counterparty, with an old password in some engine, or somebody "
        "within its networks. Then `kk99fix ctl unlock {session}` has it try again at once",
    ),
    "backed-off": Explanation(
        Step.LOCK_OUT,
        "after failures in a row it has to wait, and this came too early",
        says("a wait of seconds between attempts, twice as long each time, 10 minutes at most"),
        "`kk99fix ctl locks` shows for how long",
        "Have the counterparty stop and put right what failed before: `kk99fix ctl refusals "
        "--session {session}` has it. `kk99fix ctl unlock {session}` ends the wait",
    ),
}
