"""When the schedule of a session last took effect, as the journal has it."""

from attrs import frozen


@frozen
class SessionTimes:
    """The last start and the last end of one session; 0 for never."""

    #: The moments that the schedule names.
    started_ns: int = 0
    ended_ns: int = 0
    #: When the start was applied: an input of before belongs to an earlier period.
    began_ns: int = 0
