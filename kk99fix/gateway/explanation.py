"""What is said about one cause of a refused logon, and the steps that a logon passes."""

import enum
from collections.abc import Callable

from attrs import frozen

from kk99fix.config.load import Settings
from kk99fix.config.sessions import SessionFile
from kk99fix.gateway.refused_logons import RefusedLogon


class Step(enum.Enum):
    """What a logon passes, in this order."""

    BALANCER = "the balancer's PROXY header"
    PLACE = "a free place, and an address from which somebody may log on"
    TLS = "TLS, and the chain of a certificate"
    FIRST_MESSAGE = "exactly one Logon(A), in time"
    SESSION = "the CompIDs of a session"
    NETWORK = "the networks of that session"
    SCHEDULE = "the schedule of that session"
    CERTIFICATE = "the certificate of that session"
    LOCK_OUT = "that its credential may be tried now"
    CREDENTIALS = "its password or signature"
    CODE = "its one-time code"
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


def says(text: str) -> Right:
    """What is right is always the same."""
    return lambda _, __: text


def limit(text: str) -> Right:
    """What is right stands in [listen] of venue.toml."""
    return lambda _, settings: text.format(listen=settings.venue.listen)


def of_file(say: Callable[[SessionFile, RefusedLogon], str]) -> Right:
    """What is right stands in the session's file."""

    def right(refused: RefusedLogon, _: Settings) -> str:
        if refused.file is None:
            return "the session's file is gone"
        return say(refused.file, refused)

    return right
