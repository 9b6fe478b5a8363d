from support.frames import soh

from kk99fix.fix.framing import Verdict, scan
from kk99fix.harness.frames import build, text_frame, whole_frames, with_wrong_sum

HEADER = {49: b"A", 56: b"B", 34: b"7", 52: b"20260105-14:30:00"}


def test_a_frame_that_is_right() -> None:
    """Header and trailer are added, and optional header fields stand in front of the body."""
    data = build(b"0", HEADER, [(112, b"x"), (43, b"Y")])

    assert scan(data).verdict is Verdict.FRAME
    assert data.startswith(soh("8=FIX.4.4|9=52|35=0|49=A|56=B|34=7|52=20260105-14:30:00|43=Y|112="))


def test_what_is_given_or_left_out() -> None:
    """Every field of the header and the trailer may be another one, or none."""
    given = build(b"0", HEADER, [(8, b"FIX.4.2"), (9, b"5"), (34, b"x"), (10, b"000")])
    bare = build(b"0", HEADER, [], left_out=[8, 9, 35, 52, 10])

    assert given == soh("8=FIX.4.2|9=5|35=0|49=A|56=B|34=x|52=20260105-14:30:00|10=000|")
    assert bare == soh("49=A|56=B|34=7|")


def test_a_text_is_a_frame() -> None:
    """`*` in 9 and 10 is what is right; without it nothing is touched."""
    text = "8=FIX.4.4|9=*|35=0|49=A|10=*|"

    assert whole_frames(text_frame(text)) == [text_frame(text)]
    assert text_frame("8=FIX.4.4|9=*|35=0|49=A|") == soh("8=FIX.4.4|9=10|35=0|49=A|")
    assert text_frame("8=x|9=1|10=000|") == soh("8=x|9=1|10=000|")


def test_whole_frames_only() -> None:
    """Two frames are two, a half one or a wrong sum is none."""
    data = build(b"0", HEADER, [])

    assert whole_frames(data + data) == [data, data]
    assert whole_frames(data[:-1]) is None
    assert whole_frames(with_wrong_sum(data)) is None
