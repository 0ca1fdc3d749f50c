import numpy as np
import pytest

from monitoring.demo.market import INSTRUMENTS, SYMBOLS, Market, past


def test_the_past_ends_at_the_instruments_prices_and_moves_together() -> None:
    prices = past(np.random.default_rng(1), 10_000)
    assert prices.shape == (10_000, len(SYMBOLS))
    assert prices[-1].tolist() == [instrument.price for instrument in INSTRUMENTS]
    assert np.corrcoef(np.diff(np.log(prices), axis=0).T).min() > 0.6


def test_what_is_foreseen_comes_true_even_over_forgotten_blocks() -> None:
    market = Market({"BTCUSD": 50_000.0}, np.random.default_rng(1))
    assert market.price("BTCUSD") == 50_000
    for _ in range(3):
        foreseen = market.foresee("ETHUSD", Market.BLOCK)
        for _ in range(Market.BLOCK):
            market.tick()
        assert float(market.price("ETHUSD")) == pytest.approx(foreseen, abs=0.006)


def test_recent_prices_end_with_the_current_one() -> None:
    market = Market({}, np.random.default_rng(1))
    assert market.recent("SOLUSD", 5) == pytest.approx([187.0])
    for _ in range(10):
        market.tick()
    assert len(market.recent("SOLUSD", 5)) == 5
    assert market.recent("SOLUSD", 5)[-1] == pytest.approx(float(market.price("SOLUSD")), abs=0.006)


def test_prices_stay_near_their_start_for_a_day() -> None:
    market = Market({}, np.random.default_rng(1))
    far = market.foresee("BTCUSD", 86_400)
    assert 0.5 < far / INSTRUMENTS[0].price < 2
