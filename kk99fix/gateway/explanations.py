"""Why a logon was refused, in words: at which step, what would be right, where to look, what to do.

One entry for each cause; a test holds that there is one, and that docs/operations.md has it too.
What is right comes out of the session's file as it was when the logon was refused, so an
explanation stays true after the file has changed.
No text here has a secret in it, and none is for a counterparty.
"""

import enum
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Final

from attrs import frozen

from kk99fix.config.load import Settings
from kk99fix.config.schedule import next_period
from kk99fix.config.schedule_words import opening_words
from kk99fix.config.sessions import SessionFile
from kk99fix.gateway.refused_logons import RefusedLogon
from kk99fix.journal.printer import utc

NAMES_SHOWN: Final = 10


class Step(enum.Enum):
    """What a logon passes, in this order."""

    BALANCER = "the balancer's PROXY header"
    PLACE = "a free place, and an address from which somebody may log on"
    FIRST_MESSAGE = "exactly one Logon(A), in time"
    SESSION = "the CompIDs of a session"
    NETWORK = "the networks of that session"
    SCHEDULE = "the schedule of that session"
    CREDENTIALS = "its password or signature"
    CONNECTION = "the session's one connection"

    @property
    def number(self) -> int:
        """Count from 1."""
        return list(Step).index(self) + 1


#: Says what would have been right.
Right = Callable[[RefusedLogon, Settings], str]


@frozen
class Explanation:
    """One cause."""

    step: Step
    means: str
    right: Right
    #: Where what is right is written down, or what else to look at.
    look: str
    do: str


def _says(text: str) -> Right:
    """What is right is always the same."""
    return lambda _, __: text


def _limit(text: str) -> Right:
    """What is right stands in [listen] of venue.toml."""
    return lambda _, settings: text.format(listen=settings.venue.listen)


def _of_file(say: Callable[[SessionFile, RefusedLogon], str]) -> Right:
    """What is right stands in the session's file."""

    def right(refused: RefusedLogon, _: Settings) -> str:
        if refused.file is None:
            return "the session's file is gone"
        return say(refused.file, refused)

    return right


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


def _user(file: SessionFile, refused: RefusedLogon) -> str:
    """Which of user name and password was wrong; never what the password was."""
    right = file.logon.username
    if right is not None and refused.username != right:
        was = "none" if refused.username is None else f'"{refused.username}"'
        return f'Username(553) has to be "{right}", and there was {was}'
    return "Username(553) was right; Password(554) was not the one of the file's hash"


EXPLANATIONS: Final = {
    "connection-cap": Explanation(
        Step.PLACE,
        "as many connections as there may be are in use",
        _limit("at most {listen.max_connections} connections at once"),
        "max_connections of [listen] in venue.toml; `kk99fix ctl status` counts them",
        "Raise max_connections (it applies at the next start) if they are all wanted; many that "
        "have not logged on yet are a flood: `kk99fix ctl refusals` shows from where",
    ),
    "connection-cap-of-address": Explanation(
        Step.PLACE,
        "as many connections as one address may have are in use from there",
        _limit("at most {listen.max_connections_per_address} connections from one address"),
        "max_connections_per_address of [listen] in venue.toml; `kk99fix sessions`",
        "Have them close what they do not use, or raise the limit (it applies at the next start); "
        "behind a balancer without a PROXY header everybody has the balancer's address: proxy_from",
    ),
    "network-of-nobody": Explanation(
        Step.PLACE,
        "no session may log on from that address",
        _says("the address lies in allow_from of at least one session"),
        "allow_from of [logon] in the session files; `kk99fix check` lists them",
        "Ask the counterparty from which addresses it connects, and add them to allow_from of its "
        "file; if nobody knows the address, it is a stranger and nothing is to be done",
    ),
    "no-proxy-header": Explanation(
        Step.BALANCER,
        "a balancer of proxy_from sent something else than a PROXY header first",
        _says("connections from networks of proxy_from begin with a PROXY header, version 1 or 2"),
        "proxy_from of [listen] in venue.toml, and the balancer's configuration",
        "Switch the header on in the balancer (send-proxy, proxy_protocol on), or take its network "
        "out of proxy_from",
    ),
    "logon-timeout": Explanation(
        Step.FIRST_MESSAGE,
        "no complete Logon(A) came in time",
        _limit("a whole Logon(A) within {listen.logon_timeout_s} s of the connect"),
        "logon_timeout_s of [listen] in venue.toml",
        "Have the counterparty look whether its engine sends a Logon(A) after connecting; a load "
        "balancer or a monitor that only connects looks the same",
    ),
    "closed-or-not-fix": Explanation(
        Step.FIRST_MESSAGE,
        "the connection ended before a Logon(A), or its bytes are no FIX or too many",
        _limit("one Logon(A) of at most {listen.max_pre_logon_bytes} bytes"),
        "max_pre_logon_bytes of [listen] in venue.toml",
        "Have the counterparty look at what it sends first: BeginString(8)=FIX.4.4; TLS on a plain "
        "port, or plain FIX on a TLS port, looks the same",
    ),
    "connection-lost": Explanation(
        Step.FIRST_MESSAGE,
        "the network reported an error before the logon was decided",
        _says("a connection that stays until it is answered"),
        "the counterparty's log, firewalls on the way",
        "Have them try again; if it goes on, look for a device in between that resets connections",
    ),
    "not-a-logon": Explanation(
        Step.FIRST_MESSAGE,
        "the first message was another one",
        _says("the first message is a Logon(A) with BeginString(8)=FIX.4.4"),
        "the first message, above",
        "Have the counterparty log on first; an engine that believes to be logged on still has to "
        "notice that its connection was closed",
    ),
    "malformed": Explanation(
        Step.FIRST_MESSAGE,
        "the Logon(A) cannot be cut into fields",
        _says("tag=value fields, each ended by SOH, data fields as long as their length says"),
        "the first message, above",
        "Have the counterparty's engine put right; RawDataLength(95) that does not fit RawData(96) "
        "is the usual one",
    ),
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
        _of_file(_networks),
        "allow_from of [logon] in the session's file",
        "If the address is the counterparty's, add it to allow_from; `kk99fix check` then says "
        "whether the file is right. If it is not, somebody else uses its CompID: tell them",
    ),
    "disabled": Explanation(
        Step.SESSION,
        "its file says enabled = false",
        _says("enabled = true, or no such key"),
        "enabled of [session] in the session's file",
        "Whoever wrote it there knows why; take it out when the session may be on again",
    ),
    "outside-schedule": Explanation(
        Step.SCHEDULE,
        "the session is not open now, or its connection of before is still going",
        _of_file(_open_times),
        "[schedule] of the session's file; `kk99fix sessions` shows whether it is open",
        "Have the counterparty log on within its times, or change [schedule]; a clock that is "
        "wrong shows in kk99_clock_error_seconds",
    ),
    "credentials": Explanation(
        Step.CREDENTIALS,
        "wrong Username(553) or Password(554)",
        _of_file(_user),
        "username and password_hash of [logon] in the session's file",
        "Have the counterparty put it right; nobody can read the password out of the hash, so a "
        "lost one is replaced by a new one",
    ),
    "too-many-logons": Explanation(
        Step.CREDENTIALS,
        "too many passwords wait to be verified",
        _says("fewer logons at once"),
        "`kk99fix ctl refusals` shows who tries",
        "It passes: a counterparty that tries again gets in. If it does not pass, some engine "
        "tries again too fast: have it wait between attempts",
    ),
    "file-changed": Explanation(
        Step.CREDENTIALS,
        "its file changed while the logon was decided",
        _says("a file that stays as it is for the moment of the logon"),
        "the session's file, and the log about its reload",
        "Nothing: the next try is decided by the new file",
    ),
    "session-is-live": Explanation(
        Step.CONNECTION,
        "the session has a connection already",
        lambda refused, _: (
            f"one connection for each session, and {refused.sender_comp_id} has one from "
            f"{refused.live_address}"
        ),
        "`kk99fix sessions` shows that connection and when it was last heard",
        "If the first connection is the one that is not wanted, `kk99fix ctl disconnect "
        "{session}` ends it; one that is half dead ends by itself, and the next try succeeds",
    ),
    "no-slot-free": Explanation(
        Step.CONNECTION,
        "no send ring or slot is free",
        _limit("at most {listen.max_connections} sessions at once"),
        "max_connections of [listen] in venue.toml; `kk99fix ctl status`",
        "Raise max_connections; it applies at the next start",
    ),
    "internal-fault": Explanation(
        Step.CREDENTIALS,
        "a fault of ours",
        _says("no fault: the counterparty has done nothing wrong"),
        "the log line `fault ended a logon` of that moment has the traceback",
        "Report it with the traceback; have the counterparty try again",
    ),
}
