from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kk99fix.config.decimals import MAX_E8, format_e8, parse_e8

E8_VALUES = st.integers(-MAX_E8, MAX_E8)


@given(E8_VALUES)
def test_format_then_parse_gives_the_same_value(value_e8: int) -> None:
    """Every value has a text, and the text has that value."""
    assert parse_e8(format_e8(value_e8)) == value_e8


@given(E8_VALUES, st.integers(0, 12))
def test_needless_zeros_change_nothing(value_e8: int, zeros: int) -> None:
    """Zeros in front and behind do not count, not even as decimals."""
    text = f"{Decimal(value_e8).scaleb(-8):f}"
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if "." in digits:
        digits += "0" * zeros

    assert parse_e8(sign + "0" * zeros + digits) == value_e8


@given(st.decimals(allow_nan=False, allow_infinity=False, places=11, min_value=-(10**12)))
def test_agrees_with_decimal_or_refuses(value: Decimal) -> None:
    """The exact value comes out, or the text is refused; nothing is rounded."""
    scaled = value.scaleb(8)
    text = f"{value:f}"
    if scaled == scaled.to_integral_value() and abs(scaled) <= MAX_E8:
        assert parse_e8(text) == int(scaled)
    else:
        with pytest.raises(ValueError, match="would be right"):
            parse_e8(text)


@given(st.text(max_size=12))
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    """No text does anything but parse or raise ValueError."""
    try:
        parse_e8(text)
    except ValueError as error:
        assert "would be right" in str(error)  # noqa: PT017 - either way is right


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1.", ".5", "+1", "1e5", "1_000", " 1", "1 ", "1,5", "--1", "0x1", "NaN", "٣"],
)
def test_refuses_what_is_no_plain_decimal(text: str) -> None:
    """Only digits with one point between them, and a minus sign in front, are a number."""
    with pytest.raises(ValueError, match=r'a plain decimal number such as "190\.00"'):
        parse_e8(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0.000000001", "at most 8 decimals would be right"),
        ("92233720368.54775808", "at most 92233720368.54775807 would be right"),
        ("1" + "0" * 5000, "at most 92233720368.54775807 would be right"),
    ],
)
def test_refuses_what_does_not_fit(text: str, says: str) -> None:
    """What int64 in 1e-8 cannot hold is refused with the bound."""
    with pytest.raises(ValueError, match=says):
        parse_e8(text)
