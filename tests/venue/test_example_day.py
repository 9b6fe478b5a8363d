from support.example_day import played

from kk99fix.fix import example_day


def test_the_example_day_is_what_the_venue_does() -> None:
    """Every example in the rules of engagement is a message that a venue takes or makes."""
    day = example_day.read()

    assert played(day) == day
