"""How well orders are executed, and what the engine last logged about its market; meanings are in the catalogue."""

from datetime import timedelta

from monitoring.metrics.facts import Facts, Market, OrderSums
from monitoring.metrics.metric import Level
from monitoring.metrics.value import Unknown, known

GOOD_FILL_PERCENT = 95.0
FAIR_FILL_PERCENT = 80.0
LEVELS: dict[str, Level] = {"Good": "ok", "Fair": "warn", "Poor": "err"}

OLDEST_MARKET = timedelta(hours=2)
"""What was logged about the market earlier than this says nothing about it now."""


def fill_rate(facts: Facts) -> float:
    orders = _orders(facts)
    return orders.filled / orders.finished * 100


def failed_orders(facts: Facts) -> int:
    return _orders(facts).failed


def avg_slippage(facts: Facts) -> float:
    return known(_orders(facts).slippage_percent, "no fill with an asked price in the last 24 h")


def order_latency(facts: Facts) -> float:
    return known(_orders(facts).latency_ms, "no fill with both its times in the last 24 h")


def execution_quality(facts: Facts) -> str:
    rate = fill_rate(facts)
    if rate >= GOOD_FILL_PERCENT:
        return "Good"
    return "Fair" if rate >= FAIR_FILL_PERCENT else "Poor"


def current_strategy(facts: Facts) -> str:
    return facts.session.strategy


def price_change_24h(facts: Facts) -> float:
    return known(_market(facts).price_change_24h, facts.market.why)


def rsi(facts: Facts) -> float:
    return known(_market(facts).rsi, facts.market.why)


def ema_trend(facts: Facts) -> str:
    return known(_market(facts).ema_trend, facts.market.why)


def _market(facts: Facts) -> Market:
    at = facts.market.at
    if at is not None and facts.now - at > OLDEST_MARKET:
        raise Unknown(f"last logged {at:%Y-%m-%d %H:%M} UTC")
    return facts.market


def _orders(facts: Facts) -> OrderSums:
    orders = known(facts.orders, "orders cannot be read: the table is missing")
    if orders.finished <= 0:
        raise Unknown("no order was finished in the last 24 h")
    return orders
