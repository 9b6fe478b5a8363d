"""Sessions as operators name them in commands: a CompID in, an id out."""

from kk99fix.gateway.operator import CommandRefusedError
from kk99fix.venue.registry import Registry


def session_named(registry: Registry, name: str, *, gone_too: bool = False) -> int:
    """Return the id of a session that has a file, or with `gone_too` of one that ever had.

    Raises `CommandRefusedError` where there is none of that name.
    """
    session = registry.ids["sessions"].get(name) if gone_too else registry.session_id(name)
    if session is None:
        raise CommandRefusedError(f"no session is called {name}; `kk99fix sessions` lists all")
    return session
