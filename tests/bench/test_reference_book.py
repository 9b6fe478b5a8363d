from bench.reference_book import Book, EventKind, Order


def _order(
    cl_ord_id: str, *, is_buy: bool, price: int, quantity: int, immediate: bool = False
) -> Order:
    return Order("A", cl_ord_id, 1, is_buy, price, quantity, quantity, immediate)


def test_orders_trade_by_price_and_then_by_time() -> None:
    """The best price is taken first, at one price the oldest, at the price that rested."""
    book = Book()
    for name, price in (("1", 101), ("2", 100), ("3", 100)):
        book.submit(_order(name, is_buy=False, price=price, quantity=10))

    events = book.submit(_order("4", is_buy=True, price=101, quantity=25))

    trades = [
        (event.order.cl_ord_id, event.last_quantity, event.last_price, event.leaves)
        for event in events
        if event.kind is EventKind.TRADE
    ]
    assert trades == [
        ("2", 10, 100, 0),
        ("4", 10, 100, 15),
        ("3", 10, 100, 0),
        ("4", 10, 100, 5),
        ("1", 5, 101, 5),
        ("4", 5, 101, 0),
    ]


def test_the_rest_of_an_immediate_order_is_cancelled() -> None:
    """What an IOC order does not get at once is cancelled and never rests."""
    book = Book()

    events = book.submit(_order("1", is_buy=True, price=100, quantity=10, immediate=True))

    assert [event.kind for event in events] == [EventKind.NEW, EventKind.CANCELLED]
    assert book.bids.best() is None


def test_a_cancelled_order_is_gone() -> None:
    """A cancel takes the order out once; the second finds nothing."""
    book = Book()
    book.submit(_order("1", is_buy=True, price=100, quantity=10))

    first, second = book.cancel("A", "1"), book.cancel("A", "1")

    assert first is not None
    assert (first.kind, first.leaves, first.filled) == (EventKind.CANCELLED, 0, 0)
    assert second is None
    assert book.bids.best() is None
