"""The price at which a position earns its fees back."""

from decimal import Decimal
from typing import Any

import pytest

from monitoring.metrics.breakeven import breakeven_price

ENTRY = {
    "order_type": "ENTRY", "status": "FILLED", "quantity": Decimal(2), "filled_quantity": Decimal(2),
    "price": None, "filled_price": Decimal(100), "commission": Decimal("0.2"), "actual_commission": None,
}  # fmt: skip


@pytest.mark.parametrize(("direction", "quantity"), [(1, 2), (-1, 2), (1, 5)])
def test_at_the_breakeven_price_both_fees_are_earned(direction: int, quantity: int) -> None:
    price = breakeven_price(Decimal(100), direction, [ENTRY])
    assert price is not None
    fees = Decimal("0.001") * quantity * (100 + price)
    assert (price - 100) * direction * quantity == pytest.approx(fees)


def test_the_fee_that_was_really_taken_counts_first() -> None:
    assert breakeven_price(Decimal(100), 1, [{**ENTRY, "actual_commission": Decimal(0)}]) == 100


@pytest.mark.parametrize(
    "orders",
    [
        [],
        [{**ENTRY, "status": "OPEN"}],
        [{**ENTRY, "commission": Decimal("NaN")}],
        [{**ENTRY, "filled_price": None}],
        [{**ENTRY, "filled_price": Decimal(0)}],
        [{**ENTRY, "commission": Decimal(150)}],
        [{**ENTRY, "commission": Decimal(-1)}],
        [ENTRY, {**ENTRY, "order_type": "SCALE_IN", "commission": None}],
    ],
)
def test_without_what_entering_cost_it_is_unknown(orders: list[dict[str, Any]]) -> None:
    assert breakeven_price(Decimal(100), 1, orders) is None
