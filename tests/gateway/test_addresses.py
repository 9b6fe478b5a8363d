import pytest

from kk99fix.gateway.addresses import owner_of, plain_address


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:C000:0201", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_counts_in_one_form(address: str, plain: str) -> None:
    """An IPv4 address is itself however the socket writes it, and a zone is not part of one."""
    assert plain_address(address) == plain


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
    ],
)
def test_who_an_address_belongs_to(one: str, other: str, *, same: bool) -> None:
    """An IPv6 network of 64 bits is one owner."""
    assert (owner_of(one) == owner_of(other)) is same
