"""Deposits and withdrawals taken out of returns: what a unit of the account is worth."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.projections.unit_price import FlowFactors, Showing


def flow(at: float, before: float | None, after: float, amount: float) -> Showing:
    """Paid in, or taken out where that is negative."""
    paid = Decimal(str(amount))
    return Showing(at, before, after, max(paid, Decimal(0)), max(-paid, Decimal(0)))


def priced(showings: list[Showing], equity: list[float]) -> list[float]:
    """Unit prices of an account whose equity at second 0, 1, … is given."""
    factors, prices = FlowFactors.of(showings).at(np.arange(float(len(equity))))
    pairs = zip(equity, factors.tolist(), prices.tolist(), strict=True)
    return [held / factor if factor else price for held, factor, price in pairs]


def test_a_deposit_leaves_the_price_where_it_was() -> None:
    assert priced([flow(1, 1000, 1500, 500)], [1000, 1500, 1650]) == pytest.approx([1000, 1000, 1100])


def test_a_deposit_shares_its_interval_with_a_loss() -> None:
    """As if it had come at the beginning, and a withdrawal at the end."""
    assert priced([flow(1, 1000, 1350, 500)], [1000, 1350]) == pytest.approx([1000, 900])
    assert priced([flow(1, 1000, 700, -200)], [1000, 700]) == pytest.approx([1000, 900])


def test_deposits_and_withdrawals_are_not_netted() -> None:
    both = Showing(1, 10_000, 10_395, Decimal(1000), Decimal(500))
    assert priced([both], [10_000, 10_395]) == pytest.approx([10_000, 10_000 * 10_895 / 11_000])


def test_without_an_initial_balance_the_first_snapshot_begins() -> None:
    assert priced([flow(0, None, 1500, 500)], [1500, 1350]) == pytest.approx([1500, 1350])


def test_a_deposit_after_a_full_withdrawal_buys_at_the_old_price() -> None:
    showings = [flow(1, 1000, 0, -990), flow(3, 0, 400, 400)]
    assert priced(showings, [1000, 0, 0, 400, 440]) == pytest.approx([1000, 990, 990, 990, 1089])


def test_where_nothing_grew_the_price_is_unknown() -> None:
    prices = priced([flow(1, -500, 100, 400), flow(2, 100, 300, 200)], [-500, 100, 300])
    assert prices[1:] == [pytest.approx(np.nan, nan_ok=True)] * 2


def test_what_flows_are_known_to_show_in_a_time() -> None:
    factors = FlowFactors.of([flow(n, 1000, 1000 + 10 * n, 10 * n) for n in (1, 2, 3)])
    assert factors.shown(1, 3) == 50
    assert factors.shown(3, 9) == 0


@given(st.lists(st.tuples(st.floats(-0.9, 3), st.floats(0.5, 2)), min_size=1, max_size=20))
def test_the_price_moves_by_trading_alone(steps: list[tuple[float, float]]) -> None:
    """Whatever is paid in and out, the price is what trading made of one unit."""
    equity, showings, expected = [1000.0], [], [1000.0]
    for number, (share, growth) in enumerate(steps, 1):
        before = equity[-1]
        amount = round(share * before, 2)
        after = (before + amount) * growth if amount > 0 else before * growth + amount
        if after < 1:
            amount, after = 0.0, before * growth
        if amount:
            showings.append(flow(number, before, after, amount))
        equity.append(after)
        expected.append(expected[-1] * growth)
    assert priced(showings, equity) == pytest.approx(expected, rel=1e-6)
