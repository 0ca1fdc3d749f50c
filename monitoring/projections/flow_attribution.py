"""From when on snapshots show a deposit or withdrawal.

The engine takes a booked adjustment over some time later, or never. Until the balance of a snapshot has moved by it,
its equity does not hold it, and to take it out would invent a loss.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from monitoring.metrics.facts import Flow
from monitoring.projections.days import EquityPoint
from monitoring.projections.times import epoch, from_epoch, midnight, next_midnight
from monitoring.projections.unit_price import Effect, FlowFactors

SMALL_FLOW_SHARE = 0.01
"""Flows of a smaller share of the equity are hard to tell from a trade: they count from when they were booked."""

LAST_BEFORE = """
SELECT before.* FROM unnest($2::timestamp[], $3::timestamp[]) WITH ORDINALITY AS wanted(start, stop, number)
LEFT JOIN LATERAL (
    SELECT timestamp, equity::float8, coalesce(balance, 'NaN')::float8 AS balance FROM account_history
    WHERE timestamp >= wanted.start AND timestamp < wanted.stop
      AND session_id = ANY($1::bigint[]) AND NOT {audit} AND equity <> 'NaN'
    ORDER BY timestamp DESC, id DESC LIMIT 1
) before ON true
ORDER BY wanted.number
"""
FIRST_SHOWING = """
SELECT shown.timestamp
FROM unnest($2::timestamp[], $3::timestamp[], $4::float8[], $5::float8[]) WITH ORDINALITY
     AS wanted(start, stop, balance, amount, number)
LEFT JOIN LATERAL (
    SELECT timestamp FROM account_history
    WHERE timestamp >= wanted.start AND timestamp < wanted.stop AND session_id = ANY($1::bigint[]) AND NOT {audit}
      AND equity <> 'NaN' AND balance <> 'NaN' AND (balance::float8 - wanted.balance) / wanted.amount > 0.5
    ORDER BY timestamp, id LIMIT 1
) shown ON true
ORDER BY wanted.number
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """Looks single snapshots of some sessions up. ``closes`` are the last of each day, oldest first."""

    connection: asyncpg.Connection
    sessions: Sequence[int]
    audit: str
    closes: Sequence[EquityPoint]

    async def before(self, moments: Sequence[float]) -> list[EquityPoint | None]:
        """The last real snapshot before each moment."""
        stops = [from_epoch(moment) for moment in moments]
        starts = [midnight(stop) for stop in stops]
        rows = await self.connection.fetch(LAST_BEFORE.format(audit=self.audit), self.sessions, starts, stops)
        return [
            self._close(bisect_left(self.closes, (epoch(start),)) - 1)
            if row["timestamp"] is None
            else EquityPoint(epoch(row["timestamp"]), row["equity"], row["balance"])
            for start, row in zip(starts, rows, strict=True)
        ]

    async def first_showing(self, moment: float, balance: float, amount: float) -> tuple[float | None, bool]:
        """When a balance had moved by ``amount`` for the first time, and whether it yet may.

        That is on the same day or on the next that has a snapshot.
        """
        start = from_epoch(moment)
        later = self._close(bisect_left(self.closes, (epoch(next_midnight(start)),)))
        starts, stops = [start], [next_midnight(start)]
        if later is not None:
            day = from_epoch(later.at)
            starts, stops = [*starts, midnight(day)], [*stops, next_midnight(day)]
        query, both = FIRST_SHOWING.format(audit=self.audit), len(starts)
        limits = (starts, stops, [balance] * both, [amount] * both)
        rows = await self.connection.fetch(query, self.sessions, *limits)
        found = [epoch(row["timestamp"]) for row in rows if row["timestamp"] is not None]
        over = later is not None and later.at < self.closes[-1].at
        return min(found, default=None), not over

    def _close(self, place: int) -> EquityPoint | None:
        return self.closes[place] if 0 <= place < len(self.closes) else None


async def read_factors(probe: Probe, flows: Sequence[Flow], initial: float | None) -> FlowFactors:
    """The factors of ``flows``; ``initial`` is the balance before the first snapshot."""
    if not flows:
        return FlowFactors.none()
    together: dict[EquityPoint | None, list[Flow]] = defaultdict(list)
    for flow, before in zip(flows, await probe.before([epoch(flow.at) for flow in flows]), strict=True):
        together[before].append(flow)
    shown: list[tuple[Flow, float]] = []
    waiting = False
    for before, group in together.items():
        since, may_yet = await _since(probe, group, before or EquityPoint(0.0, initial or 0.0, initial or 0.0))
        shown += [(flow, at) for flow, at in zip(group, since, strict=True) if at is not None]
        waiting |= None in since and may_yet
    held = await probe.before([at for _, at in shown])
    effects = [Effect(flow, at, before) for (flow, at), before in zip(shown, held, strict=True)]
    return FlowFactors.of(effects, initial, waiting)


async def _since(probe: Probe, flows: Sequence[Flow], before: EquityPoint) -> tuple[list[float | None], bool]:
    """From when on each of the flows shows that came after one snapshot and before the next; whether they yet may."""
    amount, last = float(sum(flow.amount for flow in flows)), epoch(flows[-1].at)
    if abs(amount) <= SMALL_FLOW_SHARE * max(before.equity, 0.0):
        return [epoch(flow.at) for flow in flows], False
    since, may_yet = await probe.first_showing(last, before.balance, amount)
    return [since] * len(flows), may_yet
