"""Exposure by market: how much each market makes up, net and gross."""

from dataclasses import dataclass
from decimal import Decimal

from monitoring.metrics.account import positive_equity
from monitoring.metrics.market_exposure import Exposure, MarketExposure, exposure
from monitoring.metrics.value import Unknown
from monitoring.sections.section import Context, Section

SHOWN_COUNT = 8


@dataclass(frozen=True, slots=True)
class MarketsView:
    exposure: Exposure
    currency: str | None
    equity: Decimal | None
    """What shares are of; None where it is unknown, and ..."""
    no_equity: str | None
    """... why."""

    @property
    def shown(self) -> tuple[MarketExposure, ...]:
        """The largest; one alone is not summed up as "others"."""
        markets = self.exposure.markets
        return markets if len(markets) <= SHOWN_COUNT + 1 else markets[:SHOWN_COUNT]

    @property
    def others(self) -> tuple[MarketExposure, ...]:
        return self.exposure.markets[len(self.shown) :]

    def share(self, gross: Decimal) -> Decimal | None:
        """Of the equity, in percent."""
        return None if self.equity is None else gross / self.equity * 100

    def bar(self, market: MarketExposure) -> tuple[float, float]:
        """Left end and width in percent: short to the left of the middle, long to the right."""
        longest = max(abs(one.net) for one in self.shown)
        width = float(abs(market.net) / longest * 50) if longest else 0.0
        return (50.0 if market.net > 0 else round(50 - width, 2)), round(width, 2)


async def load(context: Context) -> MarketsView:
    facts = context.facts
    found, currency = exposure(facts), facts.account.currency
    try:
        return MarketsView(found, currency, positive_equity(facts), None)
    except Unknown as unknown:
        return MarketsView(found, currency, None, str(unknown))


SECTION = Section("markets", "Exposure by market", load, needs=("positions",), ticks=30.0)
