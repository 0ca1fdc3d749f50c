"""What was asked and got, and where the stop was."""

from datetime import timedelta
from decimal import Decimal

import pytest

from monitoring.story.orders import exit_order, fill_of, parts, stop_cancelled, stops
from tests.story.rows import CLOSED, OPENED, after, deal, numbers, order, position, stop


@pytest.mark.parametrize(
    ("kind", "side", "got", "slippage"),
    [
        ("ENTRY", "LONG", 101, 1), ("ENTRY", "SHORT", 101, -1), ("FULL_EXIT", "LONG", 101, -1),
        ("FULL_EXIT", "SHORT", 101, 1), ("FULL_EXIT", "SELL", 99, 1), ("STOP_LOSS", "LONG", 99, 1),
        ("ENTRY", "LONG", None, None), ("ENTRY", None, 101, None),
    ],
)  # fmt: skip
def test_slippage_is_positive_where_it_was_worse(kind: str, side: str, got: object, slippage: object) -> None:
    assert fill_of(order(kind, side=side, filled_price=got)).slippage_percent == slippage


def test_the_exchange_knows_price_and_fee_best() -> None:
    found = fill_of(order("ENTRY", actual_fill_price=102, actual_commission=0.5, filled_at=after(seconds=3)))
    assert (found.got, found.fee, found.took) == (102, Decimal("0.5"), timedelta(seconds=3))


def test_a_fill_stamped_before_its_order_took_no_time() -> None:
    assert fill_of(order("ENTRY", filled_at=after(seconds=-1))).took == timedelta(0)


def test_an_order_without_a_price_has_no_slippage() -> None:
    found = fill_of(order("ENTRY", price=None))
    assert (found.asked, found.slippage_percent, found.got) == (None, None, 100)


def test_each_place_of_the_stop_is_told_once() -> None:
    placed = [stop(90), stop(90, created_at=after(hours=1)), stop(101, created_at=after(hours=2)), stop(0)]
    found = stops(deal(), placed)
    assert [(one.price, one.before, one.result) for one in found] == [(90, None, -20), (101, 90, 2)]


def test_a_stop_that_was_hit_is_the_exit() -> None:
    assert exit_order([order("ENTRY"), stop(90, status="FILLED", filled_price=89)])["filled_price"] == 89  # type: ignore[index]
    assert exit_order([order("ENTRY"), stop(90), order("FULL_EXIT", status="FAILED")]) is None


def test_a_stop_is_cancelled_with_the_exit_alone() -> None:
    cancelled = {"status": "CANCELLED", "cancelled_at": CLOSED - timedelta(seconds=1)}
    assert stop_cancelled([stop(90, **cancelled)], CLOSED)
    assert not stop_cancelled([stop(90, **cancelled | {"cancelled_at": OPENED})], CLOSED)
    assert not stop_cancelled([stop(90)], CLOSED)


def partial(kind: str = "PARTIAL_EXIT", **columns: object) -> dict[str, object]:
    return {"operation_type": kind, "timestamp": after(hours=2), **numbers(size=0.05, price=110, pnl=None, **columns)}


def test_a_partial_exit_is_told_with_its_order_once() -> None:
    sold = order("PARTIAL_EXIT", filled_at=after(hours=2), filled_price=110, commission=0.2)
    later = order("PARTIAL_EXIT", filled_at=after(hours=5))
    [found] = parts(position(), [partial()], [sold, later])
    assert found.order is not None
    assert (found.share_percent, found.realized, found.order.fee) == (50, 10, Decimal("0.2"))


def test_what_cannot_be_computed_is_unknown() -> None:
    [unknown] = parts(position(quantity=None), [partial()], [])
    [written] = parts(position(quantity=None), [partial() | numbers(pnl=9)], [])
    [added] = parts(position(), [partial("SCALE_IN")], [])
    assert (unknown.realized, written.realized, added.realized, added.added) == (None, 9, None, True)
