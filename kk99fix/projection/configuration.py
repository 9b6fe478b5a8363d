"""What a CONFIG record says: all there is, or what has changed since the one before."""

from typing import Any


def stated(content: dict[str, Any]) -> dict[str, Any]:
    """Return kind -> name -> what is said of it.

    A name that has an id in `content` and is not stated is gone.
    """
    change: dict[str, Any] | None = content.get("change")
    return content if change is None else change["set"]
