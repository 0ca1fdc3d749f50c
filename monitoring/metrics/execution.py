"""How well orders are executed, and what the engine last logged about its market; meanings are in the catalogue."""

from typing import TypeVar

from monitoring.metrics.facts import Facts
from monitoring.metrics.metric import Level
from monitoring.metrics.reported import Logged, OrderSums
from monitoring.metrics.rhythm import OFFLINE_FACTOR
from monitoring.metrics.value import Unknown, known

GOOD_FILL_PERCENT = 95
FAIR_FILL_PERCENT = 80
LEVELS: dict[str, Level] = {"Good": "ok", "Fair": "warn", "Poor": "err"}

V = TypeVar("V")


def fill_rate(facts: Facts) -> float:
    orders = _orders(facts)
    finished = orders.filled + orders.failed
    if not finished:
        raise Unknown("no order was filled or failed in the last 24 h")
    return 100 * orders.filled / finished


def failed_orders(facts: Facts) -> int:
    return _orders(facts).failed


def avg_slippage(facts: Facts) -> float:
    return known(_orders(facts).slippage_percent, "no market order with an asked price was filled in the last 24 h")


def order_latency(facts: Facts) -> float:
    return known(_orders(facts).latency_ms, "no market order with both its times was filled in the last 24 h")


def execution_quality(facts: Facts) -> float:
    return float(int(fill_rate(facts) + 0.5))


def execution_quality_label(facts: Facts) -> str:
    rate = execution_quality(facts)
    if rate >= GOOD_FILL_PERCENT:
        return "Good"
    return "Fair" if rate >= FAIR_FILL_PERCENT else "Poor"


def current_strategy(facts: Facts) -> str:
    return facts.session.strategy


def price_change_24h(facts: Facts) -> float:
    return _logged(facts, facts.market.price_change_24h)


def rsi(facts: Facts) -> float:
    return _logged(facts, facts.market.rsi)


def ema_trend(facts: Facts) -> str:
    return _logged(facts, facts.market.ema_trend)


def _logged(facts: Facts, found: Logged[V] | None) -> V:
    """Raises Unknown for what was logged so long ago that the engine counts as offline."""
    logged = known(found, facts.market.why)
    if (facts.now - logged.at).total_seconds() > OFFLINE_FACTOR * facts.limit_seconds:
        raise Unknown(f"last logged {logged.at:%Y-%m-%d %H:%M} UTC")
    return logged.value


def _orders(facts: Facts) -> OrderSums:
    return known(facts.orders, "orders cannot be read: the table is missing")
