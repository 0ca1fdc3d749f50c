"""What the engine last logged about the market that it trades: with each decision it writes its indicators."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.metrics.reported import Logged, Market
from monitoring.metrics.rhythm import OFFLINE_FACTOR
from monitoring.metrics.value import number
from monitoring.projections.signs_of_life import WINDOW_ROWS
from monitoring.projections.times import shifted
from monitoring.scope import json_object
from monitoring.sections.section import Reading

DAY = timedelta(days=1)
MAX_DECISION_ROWS = 2000
DECISIONS = f"""
SELECT indicators::text AS indicators, timestamp::timestamp AS at, {{symbol}} AS symbol
FROM (SELECT * FROM strategy_executions ORDER BY id DESC LIMIT {WINDOW_ROWS}) newest
WHERE session_id = ANY($1::bigint[]) AND indicators IS NOT NULL AND timestamp <= $2
  AND (timestamp >= $3 OR timestamp BETWEEN $4 AND $5)
ORDER BY timestamp DESC, id DESC LIMIT {MAX_DECISION_ROWS}
"""
"""Those of lately, and those of a day before."""

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Decision:
    at: datetime
    symbol: str | None
    indicators: Mapping[str, object]

    @property
    def close(self) -> float | None:
        close = number(self.indicators.get("close"))
        return close if close and close > 0 else None


async def read_market(reading: Reading) -> Market:
    """What no engine that lives would have logged so long ago is left out."""
    capabilities, now = reading.capabilities, reading.now
    if why := capabilities.fault("strategy_executions", "id", "session_id", "indicators", "timestamp"):
        return Market(why=why)
    reach = timedelta(seconds=OFFLINE_FACTOR * reading.state.limit_seconds)
    query = DECISIONS.format(symbol=capabilities.column("strategy_executions", "symbol", "text"))
    span = now + MAX_CLOCK_SKEW, now - reach, now - DAY - 2 * reach, now - DAY + MAX_CLOCK_SKEW
    rows = await reading.connection.fetch(query, reading.state.session.ids, *span)
    decisions = [Decision(row["at"], row["symbol"], json_object(row["indicators"])) for row in rows]
    return market([one for one in decisions if one.at >= now - reach], decisions, reach)


def market(lately: Sequence[Decision], decisions: Sequence[Decision], reach: timedelta) -> Market:
    """``lately``: the newest of the decisions; both newest first. ``reach``: how old the newest one may be."""
    return Market(
        price_change_24h=_newest(lately, lambda one: number(one.indicators.get("price_change_24h")))
        or _change(lately, decisions, reach),
        rsi=_newest(lately, lambda one: _first(one.indicators, "rsi", "rsi_14")),
        ema_trend=_newest(lately, lambda one: _text(one.indicators.get("ema_trend"))),
    )


def _newest(decisions: Iterable[Decision], read: Callable[[Decision], V | None]) -> Logged[V] | None:
    """Of the newest that has it."""
    known = ((value, one.at) for one in decisions if (value := read(one)) is not None)
    return next((Logged(value, at) for value, at in known), None)


def _change(lately: Sequence[Decision], decisions: Sequence[Decision], reach: timedelta) -> Logged[float] | None:
    """How much the price changed, in percent, since the last decision on the same market a day before."""
    newest = next((one for one in lately if one.close is not None), None)
    if newest is None or newest.close is None:
        return None
    then = shifted(newest.at, -DAY)
    before = (one for one in decisions if one.symbol == newest.symbol and then - reach <= one.at <= then)
    close = next((one.close for one in before if one.close is not None), None)
    return None if close is None else Logged((newest.close / close - 1) * 100, newest.at)


def _first(indicators: Mapping[str, object], *keys: str) -> float | None:
    return next((value for key in keys if (value := number(indicators.get(key))) is not None), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
