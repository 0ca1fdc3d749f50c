"""How much of the account each market makes up."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from monitoring.metrics.account import net_value
from monitoring.metrics.equity_now import is_fresh
from monitoring.metrics.facts import Facts, OpenPosition
from monitoring.metrics.value import Unknown


@dataclass(frozen=True, slots=True)
class MarketExposure:
    """Positions in one market, at their current prices."""

    symbol: str
    net: Decimal
    """Long minus short."""
    gross: Decimal


@dataclass(frozen=True, slots=True)
class Exposure:
    markets: tuple[MarketExposure, ...]
    """The largest gross value first."""
    priced: int
    """Positions whose value is known: they alone are in ``markets`` ..."""
    total: int
    """... of so many."""
    old: int
    """Of the priced ones those whose price is not fresh."""

    @property
    def net(self) -> Decimal:
        return sum((market.net for market in self.markets), Decimal(0))

    @property
    def gross(self) -> Decimal:
        return sum((market.gross for market in self.markets), Decimal(0))


def exposure(facts: Facts) -> Exposure:
    """By market, of the positions whose price and quantity are known."""
    positions = facts.positions or ()
    values = {one.id: value for one in positions if (value := _value(one)) is not None}
    by_market = defaultdict[str, list[Decimal]](list)
    for one in positions:
        if one.id in values:
            by_market[one.symbol].append(values[one.id])
    markets = [
        MarketExposure(name, sum(found, Decimal(0)), sum(map(abs, found), Decimal(0)))
        for name, found in by_market.items()
    ]
    old = sum(not is_fresh(facts, one.priced_at) for one in positions if one.id in values)
    largest_first = sorted(markets, key=lambda market: (-market.gross, market.symbol))
    return Exposure(tuple(largest_first), len(values), len(positions), old)


def _value(position: OpenPosition) -> Decimal | None:
    try:
        return net_value(position)
    except Unknown:
        return None
