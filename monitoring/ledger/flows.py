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

from monitoring.clock import utc_now
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


BEFORE = """
SELECT (SELECT equity::float8 FROM account_history
        WHERE session_id = $1 AND timestamp <= $2 AND timestamp > $3 AND NOT {audit} AND equity <> 'NaN'
        ORDER BY timestamp DESC, id DESC LIMIT 1) AS equity,
       (SELECT balance::float8 FROM account_history
        WHERE session_id = $1 AND timestamp <= $2 AND timestamp > $3 AND balance <> 'NaN'
        ORDER BY timestamp DESC, id DESC LIMIT 1) AS balance
"""
NEXT = """
SELECT min(timestamp) FROM account_history
WHERE session_id = $1 AND timestamp > $2 AND timestamp <= $3 AND NOT {audit}
"""
SHOWN = f"{NEXT} AND abs(balance::float8 - $4::float8 - $5::float8) < abs($5::float8) / 2"
LONGEST_DELAY = timedelta(days=1)
"""Of the engine's writing, within which it takes over an adjusted balance, if it does."""
SMALL = 0.01
"""A flow of a smaller share of the equity is hard to tell from a trade: it counts from when it was booked."""
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Effect:
    """From when on (epoch seconds, NEVER while it does not) a flow shows in the snapshots, and by which factor."""

    since: float
    factor: float
    waiting: bool = False
    """Whether it may yet begin to show."""


async def read_effects(
    connection: asyncpg.Connection, session: Session, flows: Sequence[Flow], audit: str
) -> tuple[Effect, ...]:
    """The effect of each flow, measured against the last real equity before it (``audit`` marks unreal rows).

    The engine takes a booked adjustment over some time later, or never: until a snapshot's balance has moved by it,
    equity does not hold it, and taking it out would invent a loss.
    """
    return tuple([await _effect(connection, session, flow, audit) for flow in flows])


async def _effect(connection: asyncpg.Connection, session: Session, flow: Flow, audit: str) -> Effect:
    start = flow.at - timedelta(days=30)
    row = await connection.fetchrow(BEFORE.format(audit=audit), session.id, flow.at, start)
    initial, amount = float(session.initial_balance or 0), float(flow.amount)
    equity = initial if row["equity"] is None else row["equity"]
    balance = initial if row["balance"] is None else row["balance"]
    factor = (equity + amount) / equity if equity > 0 and equity + amount > 0 else 1.0
    if abs(factor - 1.0) < SMALL:
        return Effect(epoch(flow.at), factor)
    ever = flow.at + timedelta(days=36_500)
    following = await connection.fetchval(NEXT.format(audit=audit), session.id, flow.at, ever)
    if following is None:
        return Effect(NEVER, factor, waiting=True)
    until = following + LONGEST_DELAY
    shown = await connection.fetchval(SHOWN.format(audit=audit), session.id, flow.at, until, balance, amount)
    if shown is None:
        return Effect(NEVER, factor, waiting=until > utc_now())
    return Effect(epoch(shown) - JUST_BEFORE, factor)


JUST_BEFORE = 1e-3
"""Seconds by which a flow precedes the snapshot that shows it, so that rounding does not part them."""


def factors_of(effects: Sequence[Effect]) -> FlowFactors:
    """The factors in force after each flow that shows."""
    shown = sorted((effect for effect in effects if effect.since < NEVER), key=lambda effect: effect.since)
    return FlowFactors(
        np.array([effect.since for effect in shown]), np.cumprod(np.array([effect.factor for effect in shown]))
    )


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
    effects: tuple[Effect, ...] = ()
    """Of each flow, in the same order."""
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
        flows, effects = self.flows, self.effects
        if not self.read or any(row["flow"] for rows in unread.values() for row in rows):
            flows = await read_flows(connection, capabilities, self.session)
        measurable = capabilities.has("account_history", "session_id", "timestamp", "equity")
        if measurable and (flows != self.flows or not self.read or self.awaited):
            effects = await read_effects(connection, self.session, flows, audit_condition(capabilities))
        factors = factors_of(effects)
        torn = [tail for tail in tails.values() if tail.settle(gate)]
        for table, rows in unread.items():
            tails[table].saw(row["id"] for row in rows)
        since = factors.differs_from(self.factors)
        self._tails, self.read, self.flows = tails, not torn, flows
        self.effects, self.factors = effects, factors
        return since

    @property
    def awaited(self) -> bool:
        """Whether a booked flow may yet show in the snapshots."""
        return any(effect.waiting for effect in self.effects)

    def shown(self, after: float, until: float) -> Decimal:
        """Sum of the flows that began to show after one moment and up to another, in epoch seconds."""
        effects = zip(self.flows, self.effects, strict=False)
        return sum((flow.amount for flow, effect in effects if after < effect.since <= until), Decimal(0))

    async def _start(self, connection: asyncpg.Connection, capabilities: Capabilities) -> dict[str, Tail]:
        return {
            table: await start_tail(connection, table)
            for table, column in (("account_balances", "update_reason"), ("system_events", "event_type"))
            if capabilities.has(table, "id", "session_id", column)
        }

    async def _unread(self, connection: asyncpg.Connection, table: str, tail: Tail) -> list[asyncpg.Record]:
        query = UNREAD_EVENTS if table == "system_events" else UNREAD_BALANCES
        return list(await connection.fetch(query, *tail.arguments, self.session.id))
