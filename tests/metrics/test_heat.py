"""What is lost if every stop is hit."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from monitoring.metrics.account import risk_per_trade_configured
from monitoring.metrics.guards import StopOrders, unprotected_positions
from monitoring.metrics.heat import heat, heat_from_entry, heat_percent, heat_r
from monitoring.metrics.value import Unknown
from tests.metrics.examples import NOW, POSITION, SHORT, facts

SIGN = NOW - timedelta(seconds=20)


@pytest.mark.parametrize(
    ("position", "now", "from_entry"),
    [
        (POSITION, 200, 100),
        (replace(POSITION, stop=Decimal(50_500)), 50, 0),
        (replace(POSITION, stop=Decimal(52_000)), 0, 0),
        (replace(SHORT, stop=Decimal(2_300)), 200, 300),
        (replace(SHORT, stop=Decimal(2_050)), 0, 50),
        (replace(POSITION, stop=None, current_price=None, priced_at=None), 0, 0),
    ],
)
def test_heat_is_the_way_to_the_stop(position: Any, now: int, from_entry: int) -> None:
    found = facts(positions=(position,))
    assert (heat(found), heat_from_entry(found)) == (now, from_entry)


@pytest.mark.parametrize(
    ("changes", "is_fresh"),
    [
        ({"priced_at": SIGN - timedelta(minutes=5)}, True),
        ({"priced_at": SIGN - timedelta(minutes=5, seconds=1)}, False),
        ({"priced_at": None}, False),
        ({"current_price": None}, False),
    ],
)
def test_heat_takes_fresh_prices_only(changes: dict[str, Any], is_fresh: bool) -> None:
    found = facts(positions=(replace(POSITION, **changes),))
    if is_fresh:
        assert heat(found) == 200
    else:
        with pytest.raises(Unknown, match="is not fresh"):
            heat(found)
    assert heat_from_entry(found) == 100


def test_no_price_is_fresh_while_the_engine_is_late() -> None:
    found = facts(last_written=NOW - timedelta(seconds=301), positions=(POSITION,), limit_seconds=300.0)
    with pytest.raises(Unknown, match="is not fresh"):
        heat(found)


@pytest.mark.parametrize(("configured", "percent"), [(0.02, 2.0), (0.1, 10.0), (0.5, 0.5), (2, 2)])
def test_a_configured_risk_above_a_tenth_is_percent(configured: float, percent: float) -> None:
    assert risk_per_trade_configured(facts(configured_risk=configured)) == pytest.approx(percent)


def test_heat_in_r_is_of_the_positions_with_a_first_stop() -> None:
    """A stop trailed into profit loses nothing more of what it once risked; without a first stop there is no R."""
    long = replace(POSITION, stop=Decimal(50_500))
    short = replace(SHORT, stop=Decimal(2_300))
    beyond_entry = StopOrders(Decimal(1_900), "OPEN")
    placed = {long.id: StopOrders(Decimal(49_000), "OPEN"), short.id: beyond_entry}
    found = facts(positions=(long, short), stop_orders=placed)
    assert heat(found) == 250
    assert heat_r(found) == pytest.approx(50 / 100)
    with pytest.raises(Unknown, match="no open position with a first stop"):
        heat_r(facts(positions=(short,), stop_orders=placed))


@pytest.mark.parametrize(
    ("changes", "orders", "places_stops", "count"),
    [
        ({}, {POSITION.id: StopOrders(None, "OPEN")}, True, 0),
        ({}, {}, False, 0),
        ({}, {}, True, 1),
        ({}, {POSITION.id: StopOrders(Decimal(49_000), None)}, False, 1),
        ({"stop": None}, {}, False, 1),
        ({"stop": None, "opened": NOW - timedelta(seconds=60)}, {}, False, 0),
    ],
)
def test_a_position_without_a_live_stop_is_unprotected(
    changes: dict[str, Any], orders: dict[int, StopOrders], places_stops: bool, count: int
) -> None:
    one = replace(POSITION, **changes)
    assert unprotected_positions(facts(positions=(one,), stop_orders=orders, places_stops=places_stops)) == count


def test_heat_says_what_is_known_of_it() -> None:
    unpriced = replace(POSITION, id=33, current_price=None)
    with pytest.raises(Unknown) as heat_unknown:
        heat(facts(positions=(POSITION, unpriced)))
    with pytest.raises(Unknown) as percent_unknown:
        heat_percent(facts(positions=(POSITION, unpriced)))
    assert heat_unknown.value.partial == (200, 1, 2)
    partial = percent_unknown.value.partial
    assert partial is not None
    assert float(partial.amount) == pytest.approx(200 / 10200 * 100)
