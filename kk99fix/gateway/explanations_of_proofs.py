"""Why a session's proof was not taken, or its connection not wanted."""

from typing import Final

from kk99fix.config.sessions import SessionFile
from kk99fix.gateway.explanation import Explanation, Step, limit, of_file, says
from kk99fix.gateway.refused_logons import RefusedLogon


def _user(file: SessionFile, refused: RefusedLogon) -> str:
    """Which of user name and password was wrong; never what the password was."""
    right = file.logon.username
    if right is not None and refused.username != right:
        was = "none" if refused.username is None else f'"{refused.username}"'
        return f'Username(553) has to be "{right}", and there was {was}'
    return "Username(553) was right; Password(554) was not the one of the file's hash"


def _signed(file: SessionFile, refused: RefusedLogon) -> str:
    """Whether the id of the key was right at least."""
    right = file.logon.username
    if refused.username != right:
        was = "none" if refused.username is None else f'"{refused.username}"'
        return f'Username(553) has to be the id of the key, "{right}", and there was {was}'
    return f'the key id "{right}" was right; the signature is not one of the file\'s public_key'


PROOFS: Final = {
    "credentials": Explanation(
        Step.CREDENTIALS,
        "wrong Username(553) or Password(554)",
        of_file(_user),
        "username and password_hash of [logon] in the session's file",
        "Have the counterparty put it right; nobody can read the password out of the hash, so a "
        "lost one is replaced by a new one",
    ),
    "totp": Explanation(
        Step.CODE,
        "the one-time code is missing or wrong",
        of_file(lambda file, _: f"the code of now of the seed {file.logon.totp}, six digits"),
        "totp of [logon] in the session's file, docs/logon.md for where the code stands",
        "Have the counterparty look at its clock (30 s are forgiven) and whether it sends "
        "RawData(96)=TOTP 123456 or the code behind the password; if the secret was lost, "
        "enrol it again: `kk99fix onboard --help`",
    ),
    "totp-reused": Explanation(
        Step.CODE,
        "the one-time code was accepted before, or a later one was",
        says("a code of a later step than every one accepted so far; a step lasts 30 s"),
        "the log: an earlier `session logged on` of it; kk99_clock_alarm",
        "Have it wait for the next code: two logons need two codes. If it did not log on before, "
        "somebody else has its password and its codes: disable it and tell them",
    ),
    "totp-seed": Explanation(
        Step.CODE,
        "we cannot open the seed of its codes: an alarm of ours",
        of_file(lambda file, _: f"the sealed seed {file.logon.totp} opens with our key"),
        "the log line `seed not opened` of that moment; `kk99fix check` opens every seed",
        "Put the key or the file of the seed back; the counterparty has done nothing wrong",
    ),
    "signature": Explanation(
        Step.CREDENTIALS,
        "RawData(96) is not the signature of this Logon(A), or 553 not the id of the key",
        of_file(_signed),
        "username and public_key of [logon] in the session's file, and docs/logon.md",
        "Have the counterparty compare key id and public key with yours, and sign the five fields "
        "exactly as they are sent",
    ),
    "signature-time": Explanation(
        Step.CREDENTIALS,
        "SendingTime(52) is too far from our clock, or not later than the last accepted one",
        limit("SendingTime(52) within {listen.signature_window_s} s of our UTC, and each later"),
        "signature_window_s of [listen] in venue.toml; kk99_clock_error_seconds for our clock",
        "Have the counterparty put its clock right, and sign anew for each attempt",
    ),
    "too-many-logons": Explanation(
        Step.CREDENTIALS,
        "too many passwords wait to be verified",
        says("fewer logons at once"),
        "`kk99fix ctl refusals` shows who tries",
        "It passes: a counterparty that tries again gets in. If it does not pass, some engine "
        "tries again too fast: have it wait between attempts",
    ),
    "file-changed": Explanation(
        Step.CREDENTIALS,
        "its file changed while the logon was decided",
        says("a file that stays as it is for the moment of the logon"),
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
        limit("at most {listen.max_connections} sessions at once"),
        "max_connections of [listen] in venue.toml; `kk99fix ctl status`",
        "Raise max_connections; it applies at the next start",
    ),
    "internal-fault": Explanation(
        Step.CREDENTIALS,
        "a fault of ours",
        says("no fault: the counterparty has done nothing wrong"),
        "the log line `fault ended a logon` of that moment has the traceback",
        "Report it with the traceback; have the counterparty try again",
    ),
}
