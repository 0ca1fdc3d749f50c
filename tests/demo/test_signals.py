import pytest

from monitoring.demo.signals import indicators


@pytest.mark.parametrize(("closes", "rsi", "trend"), [([1, 2, 3, 4], 100, "bullish"), ([4, 3, 2, 1], 0, "bearish")])
def test_a_straight_market(closes: list[float], rsi: float, trend: str) -> None:
    seen = indicators(closes, None)
    assert (seen["rsi"], seen["ema_trend"]) == (rsi, trend)
    assert "price_change_24h" not in seen


def test_a_single_price_says_nothing_about_the_direction() -> None:
    assert indicators([5.0], 4.0)["rsi"] == 50
    assert indicators([5.0], 4.0)["price_change_24h"] == 25
