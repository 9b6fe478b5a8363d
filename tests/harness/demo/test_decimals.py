import pytest

from kk99fix.harness.demo.decimals import decimals_of, fixed

E8 = 10**8


@pytest.mark.parametrize(
    ("step_e8", "decimals"), [(E8, 0), (1000 * E8, 0), (E8 // 100, 2), (1_562_500, 6), (1, 8)]
)
def test_decimals_of_a_step(step_e8: int, decimals: int) -> None:
    """As many as the finest multiple of a tick or a lot needs."""
    assert decimals_of(step_e8) == decimals


@pytest.mark.parametrize(
    ("value_e8", "decimals", "text"),
    [
        (190 * E8, 2, "190.00"),
        (60_012_500_000_00, 2, "60,012.50"),
        (1_234_567 * E8, 0, "1,234,567"),
        (-37_630_000_000, 2, "-376.30"),
        (-50_000_000, 2, "-0.50"),
        (0, 2, "0.00"),
        (18_999_500_000, 2, "189.995"),
        (1, 0, "0.00000001"),
    ],
)
def test_fixed(value_e8: int, decimals: int, text: str) -> None:
    """Thousands are set apart; nothing is ever rounded away."""
    assert fixed(value_e8, decimals) == text
