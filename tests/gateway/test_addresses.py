import pytest

from kk99fix.gateway.addresses import plain_address


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
