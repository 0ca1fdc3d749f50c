"""The indicators that the simulated strategy logs with its decisions."""

from collections.abc import Sequence
from itertools import pairwise
from math import log, sqrt

RSI_PERIODS = 14
FAST_PERIODS, SLOW_PERIODS = 9, 21
VOLATILITY_PERIODS = 24


def indicators(closes: Sequence[float], day_ago: float | None) -> dict[str, object]:
    """Computed from the last closing prices, oldest first, and the price of a day ago."""
    last = closes[-1]
    fast, slow = _ema(closes, FAST_PERIODS), _ema(closes, SLOW_PERIODS)
    moves = [log(after / before) for before, after in pairwise(closes[-VOLATILITY_PERIODS:])]
    found: dict[str, object] = {
        "rsi": round(_rsi(closes), 2),
        f"ema_{FAST_PERIODS}": round(fast, 2),
        f"ema_{SLOW_PERIODS}": round(slow, 2),
        "ema_trend": "bullish" if fast > slow else "bearish",
        "volatility": round(_deviation(moves), 6) if len(moves) > 1 else None,
        "close": round(last, 2),
    }
    if day_ago:
        found["price_change_24h"] = round((last / day_ago - 1) * 100, 3)
    return found


def _ema(closes: Sequence[float], periods: int) -> float:
    average = closes[0]
    for close in closes:
        average += 2 / (periods + 1) * (close - average)
    return average


def _rsi(closes: Sequence[float]) -> float:
    moves = [after - before for before, after in pairwise(closes[-RSI_PERIODS - 1 :])]
    up, down = sum(move for move in moves if move > 0), -sum(move for move in moves if move < 0)
    return 50.0 if up + down == 0 else 100 * up / (up + down)


def _deviation(moves: Sequence[float]) -> float:
    # Not statistics.pstdev, whose exact fractions cost seconds over four months.
    mean = sum(moves) / len(moves)
    return sqrt(sum((move - mean) ** 2 for move in moves) / len(moves))
