"""The indicators that the simulated strategy logs with its decisions."""

import numpy as np

from monitoring.demo.market import Prices

RSI_PERIODS = 14
FAST, SLOW = 9, 21


def indicators(closes: Prices, day_ago: float | None) -> dict[str, object]:
    """Of the last closes, oldest first; the change over a day needs the price of a day ago."""
    last = float(closes[-1])
    fast, slow = _ema(closes, FAST), _ema(closes, SLOW)
    found: dict[str, object] = {
        "rsi": round(_rsi(closes), 2),
        f"ema_{FAST}": round(fast, 2),
        f"ema_{SLOW}": round(slow, 2),
        "ema_trend": "bullish" if fast > slow else "bearish",
        "volatility": round(float(np.std(np.diff(np.log(closes)))), 6) if len(closes) > 2 else None,
        "close": round(last, 2),
    }
    if day_ago:
        found["price_change_24h"] = round((last / day_ago - 1) * 100, 3)
    return found


def _ema(closes: Prices, periods: int) -> float:
    weights = (1 - 2 / (periods + 1)) ** np.arange(len(closes))[::-1]
    return float(np.average(closes, weights=weights))


def _rsi(closes: Prices) -> float:
    moves = np.diff(closes)[-RSI_PERIODS:]
    up, down = float(moves[moves > 0].sum()), float(-moves[moves < 0].sum())
    return 50.0 if up + down == 0 else 100 * up / (up + down)
