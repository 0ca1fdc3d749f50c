"""What is lost if every stop is hit; the catalogue says what each means, and its unit."""

from collections.abc import Iterator
from decimal import Decimal

from monitoring.metrics.account import positive_equity
from monitoring.metrics.equity_now import is_fresh
from monitoring.metrics.facts import Facts, OpenPosition
from monitoring.metrics.guards import first_stops
from monitoring.metrics.value import Unknown, known, percent_of, total

NO_POSITIONS = "positions cannot be read: the table is missing"


def heat(facts: Facts) -> Decimal:
    """From now on; raises Unknown where a price is not fresh."""
    return total(_stopped(facts), lambda position: _lost(position, _fresh_price(facts, position)))


def heat_r(facts: Facts) -> float:
    """Heat ÷ what the first stops put at risk of what is held; positions without a first stop are in neither."""
    firsts = first_stops(facts)
    positions = [position for position in _stopped(facts) if position.id in firsts]
    risked = sum((abs(_entry(one) - firsts[one.id]) * _held(one) for one in positions), Decimal(0))
    if not risked:
        raise Unknown("no open position with a first stop")
    lost = sum((_lost(position, _fresh_price(facts, position)) for position in positions), Decimal(0))
    return float(lost / risked)


def heat_from_entry(facts: Facts) -> Decimal:
    return total(_stopped(facts), lambda position: _lost(position, _entry(position)))


def heat_percent(facts: Facts) -> float:
    return float(percent_of(lambda: heat(facts), lambda: positive_equity(facts)))


def _stopped(facts: Facts) -> Iterator[OpenPosition]:
    """Positions that have a stop."""
    return (position for position in known(facts.positions, NO_POSITIONS) if position.stop)


def _lost(position: OpenPosition, price: Decimal) -> Decimal:
    """The way from a price to the stop, in the position's direction, times what is held; no less than 0."""
    return max(Decimal(0), _way(price, position) * _held(position))


def _entry(position: OpenPosition) -> Decimal:
    return known(position.entry_price, f"entry price of {_name(position)} is unknown")


def _way(price: Decimal, position: OpenPosition) -> Decimal:
    stop = known(position.stop, f"stop of {_name(position)} is unknown")
    return stop - price if position.side == "SHORT" else price - stop


def _held(position: OpenPosition) -> Decimal:
    return abs(known(position.quantity, f"quantity of {_name(position)} is unknown"))


def _fresh_price(facts: Facts, position: OpenPosition) -> Decimal:
    price = position.current_price
    if price is None or not is_fresh(facts, position.priced_at):
        raise Unknown(f"the price of {_name(position)} is not fresh")
    return price


def _name(position: OpenPosition) -> str:
    return f"position {position.id} ({position.symbol})"
