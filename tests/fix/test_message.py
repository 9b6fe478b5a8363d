from support.frames import frame, order

from kk99fix.fix.message import entries
from kk99fix.fix.split import split


def test_lookup() -> None:
    """A tag gives its first value, its number or its flag."""
    message = split(frame("A", "98=0|108=030|141=Y|464=N|58=a|58=b|789=x|"))

    assert message.get(58) == b"a"
    assert message.get(1) is None
    assert message.get_int(108) == 30
    assert message.get_int(789) is None
    assert message.get_int(1) is None
    assert message.get_bool(141)
    assert not message.get_bool(464)
    assert not message.get_bool(43)


def test_groups() -> None:
    """Each entry is its fields, nested groups included."""
    parties = "453=2|448=A|447=D|452=1|802=2|523=x|803=1|523=y|448=B|452=3|"
    message = split(order(parties + "526=S|"))
    found = message.groups(453)

    assert found == (
        (
            (448, b"A"),
            (447, b"D"),
            (452, b"1"),
            (802, b"2"),
            (523, b"x"),
            (803, b"1"),
            (523, b"y"),
        ),
        ((448, b"B"), (452, b"3")),
    )
    assert entries(found[0], 802) == (((523, b"x"), (803, b"1")), ((523, b"y"),))
    assert entries(found[1], 802) == ()


def test_no_groups() -> None:
    """A group that is not there, or does not start as it should, has no entries."""
    assert split(order()).groups(453) == ()
    assert split(order("453=1|447=D|")).groups(453) == ()


def test_equal_frames_are_equal_messages() -> None:
    """A message is a value."""
    assert split(order()) == split(order())
    assert split(order()) != split(order("58=x|"))
