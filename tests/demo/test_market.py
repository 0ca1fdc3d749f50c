import numpy as np
import pytest

from monitoring.demo.market import INSTRUMENTS, SYMBOLS, Market


def market(step_seconds: float = 60) -> Market:
    return Market({}, np.random.default_rng(1), step_seconds)


def test_prices_start_where_they_were_left_and_move_together() -> None:
    ours = Market({"BTCUSD": 50_000.0}, np.random.default_rng(1), 60)
    assert ours.price("BTCUSD") == 50_000
    seen = []
    for _ in range(5_000):
        ours.tick()
        seen.append([float(ours.price(symbol)) for symbol in SYMBOLS])
    assert np.corrcoef(np.diff(np.log(seen), axis=0).T).min() > 0.6


def test_what_is_foreseen_comes_true_even_over_forgotten_blocks() -> None:
    ours = market()
    for _ in range(3):
        foreseen = ours.foresee("ETHUSD", hours=Market.BLOCK / 60)
        for _ in range(Market.BLOCK):
            ours.tick()
        assert float(ours.price("ETHUSD")) == pytest.approx(foreseen, abs=0.006)


def test_a_few_seconds_move_a_price_little() -> None:
    ours = market(step_seconds=3)
    before = float(ours.price("BTCUSD"))
    ours.tick()
    assert 0 < abs(float(ours.price("BTCUSD")) / before - 1) < 0.001


def test_prices_stay_believable_for_ten_years() -> None:
    ours = market(step_seconds=3_600)
    for _ in range(20):
        for _ in range(12 * 365):
            ours.tick()
        assert 0.4 < float(ours.price("BTCUSD")) / INSTRUMENTS[0].price < 2.5
