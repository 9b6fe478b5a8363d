"""What both stages of the initiator share: how our side logs on."""

HEART_BT_INT_S = 30


def options(how: str) -> set[str]:
    """Read what follows a `C`: `reset`, `next-expected`."""
    found = set(how.split())
    assert found <= {"reset", "next-expected"}, how
    return found
