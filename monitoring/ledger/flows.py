"""Deposits and withdrawals: money that moved without a trade, and the factor that takes it out of returns.

A flow of F when the account held E multiplies the factor by (E + F) / E. Equity divided by the factor is the price
of one unit of the account (as in a fund), so its ratios are returns and its declines drawdowns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import numpy as np

from monitoring.database.capabilities import Capabilities
from monitoring.database.gate import Gate, Tail, start_tail
from monitoring.ledger.snapshots import audit_condition
from monitoring.metrics.facts import Flow, Series, Session

FLOW_REASON = (
    r"^\s*(manual[ _]adjustment|deposit|withdrawal|account_sync|reconciliation_balance_correction)|sync_correction"
)
"""``update_reason`` of bookings that are neither trades nor fees, as the engine and the dashboard write them."""

SAME_FLOW = timedelta(seconds=60)

BOOKED = f"""
SELECT b.id, b.last_updated AS at, b.update_reason AS reason, b.total_balance - before.total_balance AS amount
FROM account_balances b
JOIN LATERAL (
    SELECT total_balance FROM account_balances p
    WHERE p.session_id = b.session_id AND (p.last_updated, p.id) < (b.last_updated, b.id)
    ORDER BY p.last_updated DESC, p.id DESC LIMIT 1
) before ON true
WHERE b.session_id = $1 AND b.update_reason ~* '{FLOW_REASON}'
ORDER BY b.last_updated, b.id
"""
EVENTS = """
SELECT timestamp AS at, message AS reason,
       (details::jsonb ->> 'new_balance')::numeric - (details::jsonb ->> 'old_balance')::numeric AS amount
FROM system_events
WHERE session_id = $1 AND event_type::text = 'BALANCE_ADJUSTMENT'
  AND jsonb_typeof(details::jsonb -> 'new_balance') = 'number'
  AND jsonb_typeof(details::jsonb -> 'old_balance') = 'number'
ORDER BY timestamp, id
"""


async def read_flows(connection: asyncpg.Connection, capabilities: Capabilities, session: Session) -> tuple[Flow, ...]:
    """Every flow of the session, oldest first, from the balance table and from events it does not repeat."""
    booked = events = []
    if capabilities.has("account_balances", "session_id", "last_updated", "total_balance", "update_reason"):
        booked = _flows(await connection.fetch(BOOKED, session.id))
    if capabilities.has("system_events", "session_id", "event_type", "details"):
        events = _flows(await connection.fetch(EVENTS, session.id))
    return merge_flows(booked, events)


def _flows(rows: Sequence[asyncpg.Record]) -> list[Flow]:
    return [
        Flow(row["at"], row["amount"], row["reason"])
        for row in rows
        if row["amount"] is not None and row["amount"].is_finite() and row["amount"] != 0
    ]


def merge_flows(booked: Sequence[Flow], events: Sequence[Flow]) -> tuple[Flow, ...]:
    """Both lists in order of time; an event that tells of a booked flow (same amount, same minute) counts once."""

    def repeated(event: Flow) -> bool:
        return any(
            abs(flow.at - event.at) <= SAME_FLOW and abs(flow.amount - event.amount) < Decimal("0.01")
            for flow in booked
        )

    return tuple(sorted([*booked, *(event for event in events if not repeated(event))], key=lambda flow: flow.at))


@dataclass(frozen=True, slots=True)
class FlowFactors:
    """The factor in force at any time: ``factors[i]`` from ``times[i]`` (epoch seconds) on, 1 before the first."""

    times: Series
    factors: Series

    @classmethod
    def none(cls) -> "FlowFactors":
        return cls(np.empty(0), np.empty(0))

    def differs_from(self, other: "FlowFactors") -> datetime | None:
        """From which time on the two say different things; None where they never do."""
        steps = np.union1d(self.times, other.times)
        different = steps[~np.isclose(self.at(steps), other.at(steps), rtol=1e-12, atol=0)]
        return from_epoch(different[0]) if len(different) else None

    def at(self, times: Series) -> Series:
        """Factors for epoch seconds of any shape, the same shape."""
        steps = np.concatenate(([1.0], self.factors))
        found: Series = steps[np.searchsorted(self.times, times, side="right")]
        return found


EQUITY_BEFORE = """
SELECT equity::float8 FROM account_history
WHERE session_id = $1 AND timestamp <= $2 AND timestamp > $3 AND NOT {audit} AND equity <> 'NaN'
ORDER BY timestamp DESC, id DESC LIMIT 1
"""


async def read_factors(
    connection: asyncpg.Connection, session: Session, flows: Sequence[Flow], audit: str
) -> FlowFactors:
    """The factors of ``flows``, each measured against the last real equity before it (``audit`` marks unreal rows)."""
    times, factors, factor = [], [], 1.0
    query = EQUITY_BEFORE.format(audit=audit)
    for flow in flows:
        before = await connection.fetchval(query, session.id, flow.at, flow.at - timedelta(days=30))
        if before is None:
            before = float(session.initial_balance or 0)
        after = before + float(flow.amount)
        if before > 0 and after > 0:
            factor *= after / before
        times.append(epoch(flow.at))
        factors.append(factor)
    return FlowFactors(np.array(times), np.array(factors))


def epoch(moment: datetime) -> float:
    """Naive UTC as seconds since 1970."""
    return (moment - datetime(1970, 1, 1)).total_seconds()


def from_epoch(seconds: float) -> datetime:
    """Seconds since 1970 as naive UTC."""
    return datetime(1970, 1, 1) + timedelta(seconds=float(seconds))


UNREAD_BALANCES = f"""
SELECT id, session_id = $3 AND update_reason ~* '{FLOW_REASON}' AS flow FROM account_balances
WHERE id > $1 OR id = ANY($2::bigint[])
"""
UNREAD_EVENTS = """
SELECT id, session_id = $3 AND event_type::text = 'BALANCE_ADJUSTMENT' AS flow FROM system_events
WHERE id > $1 OR id = ANY($2::bigint[])
"""


@dataclass(slots=True)
class FlowLedger:
    """The flows of one session, read again only when a row that may be one has come."""

    session: Session
    flows: tuple[Flow, ...] = ()
    factors: FlowFactors = field(default_factory=lambda: FlowFactors.none())
    read: bool = False
    """False until read for the first time, and again once an old row is known to have changed."""
    _tails: dict[str, Tail] = field(default_factory=dict)

    async def refresh(self, connection: asyncpg.Connection, capabilities: Capabilities, gate: Gate) -> datetime | None:
        """Reads new flows; from which time on the factors changed, None where they did not.

        All that can fail comes first: a call that raises has changed nothing.
        """
        tails = self._tails if self.read else await self._start(connection, capabilities)
        unread = {table: await self._unread(connection, table, tail) for table, tail in tails.items()}
        flows, factors = self.flows, self.factors
        if not self.read or any(row["flow"] for rows in unread.values() for row in rows):
            flows = await read_flows(connection, capabilities, self.session)
        if (flows != self.flows or not self.read) and capabilities.has(
            "account_history", "session_id", "timestamp", "equity"
        ):
            factors = await read_factors(connection, self.session, flows, audit_condition(capabilities))
        torn = [tail for tail in tails.values() if tail.settle(gate)]
        for table, rows in unread.items():
            tails[table].saw(row["id"] for row in rows)
        since = factors.differs_from(self.factors)
        self._tails, self.read, self.flows, self.factors = tails, not torn, flows, factors
        return since

    async def _start(self, connection: asyncpg.Connection, capabilities: Capabilities) -> dict[str, Tail]:
        return {
            table: await start_tail(connection, table)
            for table, column in (("account_balances", "update_reason"), ("system_events", "event_type"))
            if capabilities.has(table, "id", "session_id", column)
        }

    async def _unread(self, connection: asyncpg.Connection, table: str, tail: Tail) -> list[asyncpg.Record]:
        query = UNREAD_EVENTS if table == "system_events" else UNREAD_BALANCES
        return list(await connection.fetch(query, *tail.arguments, self.session.id))
