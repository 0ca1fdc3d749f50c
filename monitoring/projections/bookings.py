"""The deposits and withdrawals among the bookings of every session."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from monitoring.database.source import Source
from monitoring.metrics.money import Flow
from monitoring.projections.projected import Fold, IdRange
from monitoring.projections.times import EPOCH

NEEDS = ("id", "session_id", "last_updated", "total_balance", "update_reason")

CURRENCY = """{row}.base_currency IS NOT DISTINCT FROM (
    SELECT c.base_currency FROM account_balances c WHERE c.session_id = {row}.session_id AND c.last_updated IS NOT NULL
    ORDER BY c.last_updated, c.id LIMIT 1
)"""
"""A session's account is kept in the currency of its first booking: what is booked in another is none of it."""
IS_DEPOSIT = """(lower(b.update_reason) LIKE 'manual adjustment%' OR strpos(lower(b.update_reason), 'deposit') > 0
  OR strpos(lower(b.update_reason), 'withdraw') > 0)"""
IS_CORRECTION = """(strpos(lower(b.update_reason), '_sync_correction') > 0
  OR strpos(lower(b.update_reason), 'account_sync') > 0
  OR strpos(lower(b.update_reason), 'reconciliation_balance_correction') > 0)"""
IS_FLOW = f"""(b.session_id IS NOT NULL AND b.last_updated IS NOT NULL AND ({IS_DEPOSIT} OR {IS_CORRECTION})
  AND {CURRENCY.format(row="b")})"""
"""Bookings that are neither trades nor fees, by the reasons that the engine and the dashboard give."""
BEFORE = f"""
LEFT JOIN LATERAL (
    SELECT total_balance FROM account_balances p
    WHERE p.session_id = b.session_id AND (p.last_updated, p.id) < (b.last_updated, b.id)
      AND p.total_balance <> 'NaN' AND {CURRENCY.format(row="p")}
    ORDER BY p.last_updated DESC, p.id DESC LIMIT 1
) before ON true
"""

BOOKING = f"""
SELECT b.id::bigint AS id, b.session_id::bigint AS session_id, {IS_FLOW} AS flow, b.last_updated AS at,
       NOT {IS_DEPOSIT} AS correction, b.update_reason AS reason,
       CASE WHEN {IS_FLOW} THEN (b.total_balance - coalesce(before.total_balance, {{initial}}))::numeric
       END AS amount
FROM account_balances b {BEFORE}
"""
"""``amount`` is the difference to the booking before, of a session's first one to its initial balance."""
INITIAL = "(SELECT s.initial_balance FROM trading_sessions s WHERE s.id = b.session_id)"
IN_RANGE = f"{BOOKING} WHERE b.id > $1 AND b.id <= $2 AND NOT b.id = ANY($3::bigint[]) AND {IS_FLOW}"
BY_ID = f"{BOOKING} WHERE b.id = ANY($1::bigint[]) AND b.session_id IS NOT NULL AND b.last_updated IS NOT NULL"
OF_SESSION = f"{BOOKING} WHERE b.session_id = $1 AND {IS_FLOW}"


@dataclass(slots=True)
class SessionFlows:
    """The flows of one session."""

    flows: dict[int, Flow] = field(default_factory=dict)
    """By id of the booking."""
    newest: tuple[datetime, int] = (EPOCH, 0)
    """Time and id of the newest of them."""
    changes: int = 0
    """Counts the bookings that were taken in, and the changes of the session itself."""
    touched: set[datetime] = field(default_factory=set)
    """Times of bookings that came since somebody emptied this."""
    disturbed: bool = False
    """A booking came late, before a flow, or the session changed: amounts are differences, so all are read again."""

    def add(self, rows: Iterable[asyncpg.Record]) -> None:
        for row in rows:
            self.changes += 1
            flow = _as_flow(row)
            if flow is not None:
                self.flows[row["id"]] = flow
            place = (row["at"], row["id"])
            self.disturbed |= place < self.newest
            if row["flow"]:
                self.newest = max(self.newest, place)

    async def settle(self, source: Source, session: int) -> None:
        """Reads all again where one was disturbed; several may at once, and one that fails leaves it to others."""
        while self.disturbed:
            changes = self.changes
            rows = await _fetch(source, OF_SESSION, session)
            if self.changes == changes:
                self.flows = {row["id"]: flow for row in rows if (flow := _as_flow(row)) is not None}
                self.disturbed = False

    def in_order(self) -> tuple[Flow, ...]:
        """Oldest first."""
        return tuple(flow for _, flow in sorted(self.flows.items(), key=lambda item: (item[1].at, item[0])))


def _as_flow(row: asyncpg.Record) -> Flow | None:
    """None for a row of which it is not known that money moved."""
    amount = row["amount"]
    if not row["flow"] or amount is None or not amount.is_finite() or amount == 0:
        return None
    return Flow(row["at"], amount, row["reason"], row["id"], row["session_id"], row["correction"])


def disturb(sessions: Iterable[int]) -> Fold[SessionFlows]:
    """Has all amounts of some sessions read again: the first one is the difference to the initial balance."""

    def fold(states: dict[int, SessionFlows]) -> None:
        for state in (states[number] for number in sessions if number in states):
            state.changes += 1
            state.disturbed = True

    return fold


class Bookings:
    """Reads ``account_balances``."""

    table = "account_balances"
    needs = NEEDS

    async def scan(self, source: Source, ids: IdRange) -> Fold[SessionFlows]:
        rows = await _fetch(source, IN_RANGE, ids.after, ids.until, ids.skip)
        # By time: in whatever order they were numbered, none of these is late.
        return _fold(sorted(rows, key=lambda row: (row["at"], row["id"])), late=False)

    async def read(self, source: Source, ids: Sequence[int]) -> Fold[SessionFlows]:
        return _fold(await _fetch(source, BY_ID, ids), late=True)


async def _fetch(source: Source, query: str, *values: object) -> list[asyncpg.Record]:
    known = source.capabilities.has("trading_sessions", "id", "initial_balance")
    rows: list[asyncpg.Record] = await source.connection.fetch(
        query.format(initial=INITIAL if known else "NULL::numeric"), *values
    )
    return rows


def _fold(rows: Sequence[asyncpg.Record], *, late: bool) -> Fold[SessionFlows]:
    """``late``: whether a row may come before one that is known."""

    def fold(states: dict[int, SessionFlows]) -> None:
        for row in rows:
            state = states.setdefault(row["session_id"], SessionFlows())
            before = state.disturbed
            state.add([row])
            state.disturbed = before or (late and state.disturbed)
            if late:
                state.touched.add(row["at"])

    return fold
