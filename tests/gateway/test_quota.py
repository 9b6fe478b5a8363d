from hypothesis import given
from hypothesis import strategies as st

from kk99fix.gateway.quota import NS_PER_S, Quota


def test_a_burst_and_then_the_rate() -> None:
    """A full bucket may be emptied at once, then as much may go as flows in."""
    quota = Quota(1000, 500)
    assert quota.due_ns(7, 10) == 10
    quota.take(7, 500, 10)
    due_ns = quota.due_ns(7, 10)
    assert 10 < due_ns <= 10 + NS_PER_S // 1000
    quota.take(7, 250, due_ns)

    assert quota.due_ns(7, due_ns) >= due_ns + NS_PER_S // 4
    assert quota.due_ns(8, due_ns) == due_ns


def test_zero_is_no_limit() -> None:
    """Whatever is taken, more may go at once."""
    quota = Quota(0, 500)
    quota.take(7, 1 << 40, 5)

    assert quota.due_ns(7, 5) == 5


def test_a_bucket_holds_no_more_than_a_burst() -> None:
    """A day without resends fills it no further."""
    quota = Quota(1000, 500)
    day_ns = 86_400 * NS_PER_S
    quota.take(7, 500, day_ns)

    assert quota.due_ns(7, day_ns) > day_ns


@given(
    st.integers(1, 1 << 30),
    st.integers(65_536, 1 << 30),
    st.lists(st.tuples(st.integers(0, NS_PER_S), st.integers(1, 70_000)), max_size=50),
)
def test_never_more_than_burst_rate_and_one_chunk(
    rate: int, burst: int, chunks: list[tuple[int, int]]
) -> None:
    """Whenever chunks are sent as soon as they may, what left is within the promise."""
    quota, now_ns, sent = Quota(rate, burst), 0, 0
    for wait_ns, size in chunks:
        now_ns = quota.due_ns(7, now_ns + wait_ns)
        quota.take(7, size, now_ns)
        sent += size
        assert sent <= burst + rate * now_ns / NS_PER_S + size + 1
