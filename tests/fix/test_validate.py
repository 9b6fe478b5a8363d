from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.frames import HEADER, ORDER, frame, framed, order, soh

from kk99fix.fix import tables
from kk99fix.fix.framing import LIMIT
from kk99fix.fix.message import Message
from kk99fix.fix.split import split
from kk99fix.fix.validate import BusinessError, FieldError, validate

VALID = [
    frame("0", ""),
    frame("0", "112=T|"),
    frame("1", "112=T|"),
    frame("2", "7=1|16=0|"),
    frame("3", "45=1|371=58|372=D|373=4|58=text|"),
    frame("4", "123=Y|36=10|"),
    frame("5", "58=bye|354=3|355=a|b|"),
    frame("A", "98=0|108=30|141=Y|553=u|554=p|95=4|96=a|=b|384=2|372=D|385=R|372=8|385=S|"),
    frame("j", "45=2|372=V|380=3|58=no|"),
    order(),
    order("59=0|1=ACC|21=1|22=4|48=US0378331005|207=XNAS|15=USD|167=CS|526=x|528=A|529=1 A|582=1|"),
    order("453=2|448=A|447=D|452=1|802=1|523=x|803=1|448=B|452=36|60=20261122-10:00:00|").replace(
        b"60=20261122-10:00:00.000\x01", b"", 1
    ),
    frame("F", "41=C1|11=C2|55=AAPL|54=1|60=20261122-10:00:00|"),
    frame("G", "41=C1|11=C2|55=AAPL|54=1|60=20261122-10:00:00|38=1|40=2|44=1|"),
    frame("H", "11=C1|55=AAPL|54=1|790=q|"),
    frame("AF", "584=m|585=7|453=1|448=A|1=ACC|660=99|336=DAY|625=1|55=AAPL|54=1|"),
    frame(
        "8",
        "37=1|17=2|150=I|39=0|11=C1|55=AAPL|54=1|151=1|14=0|6=0|584=m|911=2|912=N|",
    ),
    frame(
        "8",
        "37=1|17=2|150=0|39=0|11=C1|453=1|448=A|55=AAPL|54=1|38=1|151=1|14=0|6=0|",
    ),
    frame("9", "37=1|11=C2|41=C1|39=0|434=1|102=1|58=UNKNOWN_ORDER; no|"),
    frame("Q", "37=1|17=2|127=B|55=AAPL|54=1|38=10|32=5|31=1.5|58=what is this?|"),
    frame("B", "61=1|148=The gateway stops|33=2|58=Orders stay.|58=Numbers go on.|"),
    frame("0", "", "49=A|56=B|34=1|50=s|57=t|43=Y|122=20261122-10:00:00|52=20261122-10:00:00|"),
    frame("0", "", HEADER + "627=1|628=H|629=20261122-10:00:00|630=5|369=0|"),
]


def error(raw: bytes) -> FieldError | BusinessError | None:
    """What validation says of a frame."""
    return validate(split(raw))


def without(tag: int) -> bytes:
    """The valid order without one of its fields."""
    kept = [field for field in ORDER.split("|") if not field.startswith(f"{tag}=")]
    return frame("D", "|".join(kept))


@pytest.mark.parametrize("raw", VALID)
def test_valid(raw: bytes) -> None:
    """Messages of every type that the dictionary has are valid."""
    assert error(raw) is None


def test_every_message_of_the_dictionary_is_tried() -> None:
    """The table above leaves out no type."""
    assert {split(raw).msg_type for raw in VALID} == set(tables.MESSAGES)


def test_signature_is_part_of_the_trailer() -> None:
    """Signature(89) stands behind the body and may hold SOH."""
    raw = framed(soh(f"35=0|{HEADER}112=T|93=3|89=a") + b"\x01" + soh("b|"))

    assert split(raw).get(89) == b"a\x01b"
    assert error(raw) is None


@pytest.mark.parametrize(
    ("rest", "reason", "tag"),
    [
        ("0=1|", 0, 0),
        ("5000=1|", 3, 5000),
        ("20001=1|", 3, 20001),
        ("999999999=1|", 3, 999999999),
        ("2=1|", 3, 2),
        ("7=1|", 2, 7),
        ("448=A|", 2, 448),
        ("58=|", 4, 58),
        ("5000=|", 3, 5000),
        ("21=4|", 5, 21),
        ("21=12|", 6, 21),
        ("582=9|", 5, 582),
        ("582=01|", None, None),
        ("529=1 B|", 5, 529),
        ("529=1  2|", 6, 529),
        ("110=-1|", 5, 110),
        ("110=1e3|", 6, 110),
        ("99=0.123456789|", 5, 99),
        ("99=92233720368.54775808|", 5, 99),
        ("15=usd|", 6, 15),
        ("167=STOCK|", 5, 167),
        ("432=20260230|", 6, 432),
        ("114=1|", 6, 114),
        ("58=caf\xe9|", 6, 58),
        ("58=a\x00b|", 6, 58),
        ("11=C2|", 13, 11),
        ("34=1|", 13, 34),
        ("50=sub|", 14, 50),
        ("43=N|", 14, 43),
        ("627=1|628=H|", 14, 627),
        ("58=a|b|", 17, 58),
        ("95=3|", 1, 96),
        ("453=0|", 5, 453),
        ("453=x|", 6, 453),
        ("453=1|", 16, 453),
        ("453=1|447=D|448=A|", 15, 447),
        ("453=1|448=A|452=1|447=D|", 15, 447),
        ("453=1|448=A|448=B|", 16, 453),
        ("453=2|448=A|", 16, 453),
        ("453=2|448=A|447=D|452=1|526=x|448=B|", 16, 453),
        ("453=1|448=A|447=D|447=D|", 15, 447),
        ("453=1|448=|", 4, 448),
        ("453=1|448=A|447=Z|", 5, 447),
        ("453=1|448=A|452=x|", 6, 452),
        ("453=1|448=A|453=1|448=A|", 13, 453),
        ("453=1|448=A|802=2|523=x|", 16, 802),
        ("453=1|448=A|802=1|803=1|", 15, 803),
        ("453=1|448=A|802=1|523=|", 4, 523),
        ("453=1|448=A|523=x|", 2, 523),
        ("453=999999999|448=A|", 16, 453),
    ],
)
def test_wrong_fields(rest: str, reason: int | None, tag: int | None) -> None:
    """Each kind of wrong field has its SessionRejectReason(373) and RefTagID(371)."""
    found = error(order(rest))

    if reason is None:
        assert found is None
    else:
        assert isinstance(found, FieldError)
        assert (found.reason, found.tag) == (reason, tag)
        assert found.text.decode("ascii").isprintable()


@pytest.mark.parametrize("tag", [11, 54, 60, 40])
def test_required_field_is_missing(tag: int) -> None:
    """A required field of the body that is missing is reason 1."""
    found = error(without(tag))

    assert isinstance(found, FieldError)
    assert (found.reason, found.tag) == (1, tag)


@pytest.mark.parametrize("tag", [49, 56, 34, 52])
def test_required_header_field_is_missing(tag: int) -> None:
    """A required field of the header that is missing is reason 1."""
    kept = [field for field in HEADER.split("|") if not field.startswith(f"{tag}=")]
    found = error(frame("0", "", "|".join(kept)))

    assert isinstance(found, FieldError)
    assert (found.reason, found.tag) == (1, tag)


@pytest.mark.parametrize("tag", [55, 38])
def test_conditionally_required_field_is_missing(tag: int) -> None:
    """A member of a required component that is missing is a matter of the application."""
    name = tables.FIELDS[tag].name.encode()
    text = b"Conditionally Required Field Missing: %s(%d)" % (name, tag)

    assert error(without(tag)) == BusinessError(5, text)


def test_alternatives_of_a_conditionally_required_field() -> None:
    """CashOrderQty(152) stands for OrderQty(38); whether we trade it is not asked here."""
    kept = [field for field in ORDER.split("|") if not field.startswith("38=")]
    assert error(frame("D", "152=1000|" + "|".join(kept))) is None


def test_body_before_header() -> None:
    """A header field behind the body is out of order."""
    found = error(frame("1", "112=T|52=20261122-10:00:00|", "49=A|56=B|34=1|"))

    assert isinstance(found, FieldError)
    assert (found.reason, found.tag) == (14, 52)


def test_body_behind_trailer() -> None:
    """A field of the body behind one of the trailer is out of order."""
    found = error(frame("1", "93=1|89=x|112=T|"))

    assert isinstance(found, FieldError)
    assert (found.reason, found.tag) == (14, 112)


def test_checksum_inside() -> None:
    """A second CheckSum(10) inside the body is out of order or twice, never the end."""
    found = error(frame("1", "10=123|112=T|"))

    assert isinstance(found, FieldError)
    assert (found.reason, found.tag) == (14, 112)


@pytest.mark.parametrize("msg_type", ["6", "V", "AE", "BH", "U1", "ULQ", "q"])
def test_unsupported_message_type(msg_type: str) -> None:
    """A type of FIX 4.4 that we lack, or a user's own, is a matter of the application."""
    text = b"Unsupported Message Type: " + msg_type.encode()

    assert error(frame(msg_type, "")) == BusinessError(3, text)


@pytest.mark.parametrize("msg_type", ["I", "ZZ", "CA", "d1", "\x02", "D "])
def test_invalid_message_type(msg_type: str) -> None:
    """A type that FIX 4.4 does not know is invalid."""
    assert error(frame(msg_type, "")) == FieldError(11, 35, b"Invalid MsgType(35)")


def test_empty_message_type() -> None:
    """MsgType(35) without a value."""
    found = error(frame("", ""))

    assert isinstance(found, FieldError)
    assert (found.reason, found.tag) == (4, 35)


def test_dialect_kk99() -> None:
    """Our own tags are valid in our reports, where the dialect is spoken, and nowhere else."""
    report = VALID[[split(raw).msg_type for raw in VALID].index(b"9")]
    raw = report[: report.index(b"\x0158=") + 1].split(b"35=", 1)[1]
    own = split(framed(b"35=" + raw + soh("20001=22|20002=5|20003=6|20004=0|")))

    assert validate(own, kk99=True) is None
    assert validate(own) == FieldError(3, 20001, b"Undefined tag: KKReasonCode(20001)")
    found = validate(split(order("20001=1|")), kk99=True)
    assert isinstance(found, FieldError)
    assert found.reason == 3


@given(st.data())
def test_no_message_is_an_exception(data: st.DataObject) -> None:
    """Any fields, in any order, get an answer."""
    tags = st.sampled_from(sorted(tables.FIELDS)) | st.integers(min_value=1, max_value=99999)
    values = st.sampled_from([b"", b"1", b"2", b"Y", b"x", b"20261122-10:00:00"]) | st.binary()
    fields = data.draw(st.lists(st.tuples(tags, values), max_size=30))
    msg_type = data.draw(st.sampled_from(sorted(tables.MESSAGES)))

    found = validate(Message(msg_type, tuple(fields), b""))
    assert found is not None
    assert len(found.text) < 200


@pytest.mark.parametrize(
    "more",
    [
        "58=x|" * 20_000,
        "453=20000|" + "448=A|447=D|452=1|" * 3_500,
        "453=1|448=A|802=9000|" + "523=a|" * 9_000,
        "38=" + "9" * 60_000 + "|",
        "96=" * 20_000 + "|",
        "354=60000|355=" + "=" * 60_000 + "|",
        "x" * 60_000 + "|",
        "|" * 60_000,
    ],
)
def test_the_worst_messages_are_quick(more: str) -> None:
    """The largest frames take milliseconds, however they are made; the bound is generous."""
    raw = order(more)[:LIMIT]
    begin = perf_counter()
    error(raw)

    assert perf_counter() - begin < 0.25
