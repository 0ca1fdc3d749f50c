"""Deposits and withdrawals taken out of returns: whose number of units grows, and at what price."""

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics.facts import Flow
from monitoring.projections.days import EquityPoint
from monitoring.projections.unit_price import Effect, FlowFactors

NOON = datetime(2026, 11, 22, 12)


def flow(amount: float, minutes: float = 0, leaves: float | None = None) -> Flow:
    known = None if leaves is None else Decimal(str(leaves))
    return Flow(NOON + timedelta(minutes=minutes), Decimal(str(amount)), "deposit", known)


def priced(effects: list[tuple[Flow, float, float | None]], initial: float | None, equity: list[float]) -> list[float]:
    """Unit prices of an account whose equity at second 0, 1, … is given; an effect is (flow, since, equity before)."""
    made = [
        Effect(money, since, None if before is None else EquityPoint(since - 1, before, before))
        for money, since, before in effects
    ]
    factors = FlowFactors.of(made, initial, waiting=False)
    in_force = factors.at(np.arange(float(len(equity)))).tolist()
    return [held / factor if factor > 0 else np.nan for held, factor in zip(equity, in_force, strict=True)]


def test_a_deposit_leaves_the_price_where_it_was() -> None:
    assert priced([(flow(500), 1, 1000)], 1000, [1000, 1500, 1650]) == pytest.approx([1000, 1000, 1100])


def test_before_any_snapshot_the_initial_balance_counts() -> None:
    assert priced([(flow(500), 0, None)], 1000, [1500, 1350]) == pytest.approx([1000, 900])


def test_without_an_initial_balance_the_first_snapshot_begins() -> None:
    assert priced([(flow(500), 0, None)], None, [1500, 1350]) == pytest.approx([1500, 1350])


def test_two_between_snapshots_are_measured_one_by_one() -> None:
    effects = [(flow(1000, 0), 1.0, 1000.0), (flow(500, 1), 1.0, 1000.0)]
    assert priced(effects, 1000, [1000, 2500]) == pytest.approx([1000, 1000])


def test_a_deposit_after_a_full_withdrawal_buys_at_the_old_price() -> None:
    effects = [(flow(-1000, 0, leaves=0), 1.0, 1000.0), (flow(400, 1), 3.0, 0.0)]
    prices = priced(effects, 800, [1000, 0, 0, 400, 440])
    assert prices == pytest.approx([1000, np.nan, np.nan, 1000, 1100], nan_ok=True)


def test_a_withdrawal_of_everything_counts_despite_losses() -> None:
    """Equity at the last snapshot was a little more than what could be taken out in the end."""
    prices = priced([(flow(-995, leaves=0), 1, 1000)], 1000, [1000, 0])
    assert prices == pytest.approx([1000, np.nan], nan_ok=True)


def test_what_flows_are_known_to_show_in_a_time() -> None:
    effects = [Effect(flow(10 * n), float(n), None) for n in (1, 2, 3)]
    factors = FlowFactors.of(effects, 1000, waiting=False)
    assert factors.shown(1, 3) == 50
    assert factors.shown(3, 9) == 0


@given(st.lists(st.tuples(st.floats(-0.9, 3), st.floats(0.5, 2)), min_size=1, max_size=20))
def test_the_price_moves_by_trading_alone(steps: list[tuple[float, float]]) -> None:
    """Whatever is paid in and out, the price is what trading made of one unit."""
    equity, held, effects, expected = [1000.0], 1000.0, [], [1000.0]
    for number, (share, growth) in enumerate(steps, 1):
        amount = round(share * held, 2)
        if held + amount < 1:
            amount = 0
        if amount:
            effects.append((flow(amount, number), float(number), held))
        held = (held + amount) * growth
        equity.append(held)
        expected.append(expected[-1] * growth)
    assert priced(effects, 1000, equity) == pytest.approx(expected, rel=1e-6)
