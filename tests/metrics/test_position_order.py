"""In which order open positions are listed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from monitoring.metrics.facts import Facts
from monitoring.metrics.guards import StopOrders
from monitoring.metrics.position_order import in_order
from tests.metrics.examples import NOW, POSITION, facts

NAMES = {1: "bare", 2: "unpriced", 3: "far below", 4: "near the entry", 5: "winner"}


def five() -> Facts:
    """Five longs; the third is nearest to its stop in R, the winner is the newest."""
    pnl = {1: Decimal(50), 2: None, 3: Decimal(-90), 4: Decimal(-10), 5: Decimal(300)}
    held = {1: 1, 2: 1, 3: 100, 4: 1, 5: 1}
    positions = tuple(
        replace(POSITION, id=number, unrealized=pnl[number], quantity=Decimal(held[number]),
                opened=NOW - timedelta(hours=10 - number))
        for number in pnl
    )  # fmt: skip
    firsts = {3: 49_999, 4: 49_980}
    orders = {
        number: StopOrders(Decimal(firsts.get(number, 49_000)), None if number == 1 else "OPEN") for number in pnl
    }
    return facts(positions=positions[::-1], stop_orders=orders, places_stops=True)


def listed(order: str) -> list[str]:
    return [NAMES[position.id] for position in in_order(five(), order)]


def test_no_stop_then_no_price_then_the_worst_in_r() -> None:
    assert listed("risk") == ["bare", "unpriced", "far below", "near the entry", "winner"]


def test_by_pnl_the_greatest_loss_is_first() -> None:
    assert listed("pnl") == ["far below", "near the entry", "bare", "winner", "unpriced"]


def test_the_latest_entry_is_first() -> None:
    assert listed("newest") == ["winner", "near the entry", "far below", "unpriced", "bare"]
