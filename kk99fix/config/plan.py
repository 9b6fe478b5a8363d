"""What a look at the files comes to: steps to be carried out, and what there is to say of them.

Values alone: `session_files` makes them in one process, the gateway carries them out in another.
"""

from attrs import field, frozen

from kk99fix.config.difference import Change
from kk99fix.config.risk import RiskFile
from kk99fix.config.sessions import SessionFile


@frozen
class Step:
    """A little of a plan, to be carried out at once."""

    #: Content of a CONFIG input without its ids; None: the venue is not concerned.
    change: Change | None
    #: By comp id what the file says now; None: it is gone.
    files: dict[str, SessionFile | None] = field(repr=False)


@frozen
class Plan:
    """What a look at the files came to."""

    steps: tuple[Step, ...] = ()
    #: Names of session files that have come, changed or gone.
    changed: tuple[str, ...] = ()
    #: Whether risk.toml has.
    risk_changed: bool = False
    #: File -> what is wrong with it, of those whose mistakes have changed.
    refused: dict[str, tuple[str, ...]] = field(factory=dict)
    #: Files that were refused and are right now, or gone.
    mended: tuple[str, ...] = ()
    #: All that are refused now.
    refused_all: dict[str, tuple[str, ...]] = field(factory=dict)
    #: Files of the configuration that differ from what applies and need a restart.
    restart: tuple[str, ...] = ()
    #: The same, of those that did not differ at the last look.
    restart_news: tuple[str, ...] = ()
    #: Whether something is being written; look again soon.
    unsettled: bool = False
    #: The names that apply from now on, and the settings beside the session files.
    risk: RiskFile | None = None
