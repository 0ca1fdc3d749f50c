"""How much of the account each market makes up."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from monitoring.metrics.market_exposure import MarketExposure, exposure
from tests.metrics.examples import NOW, POSITION, SHORT, facts


def test_long_and_short_in_one_market_are_net_and_gross() -> None:
    hedge = replace(POSITION, id=33, side="SHORT", quantity=Decimal("0.04"))
    found = exposure(facts(positions=(SHORT, POSITION, hedge)))
    assert found.markets == (
        MarketExposure("BTCUSDT", Decimal(3060), Decimal(7140)),
        MarketExposure("ETHUSDT", Decimal(-2100), Decimal(2100)),
    )
    assert (found.net, found.gross) == (960, 9240)


def test_a_position_without_a_price_is_in_no_sum() -> None:
    unpriced = replace(POSITION, id=33, current_price=None)
    old = replace(SHORT, priced_at=NOW - timedelta(hours=3))
    found = exposure(facts(positions=(unpriced, old, POSITION)))
    assert (found.priced, found.total, found.old, found.gross) == (2, 3, 1, 7200)
