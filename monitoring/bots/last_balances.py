"""The last balance of a session: whether another one goes on with it, and what a restart left a gap in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import asyncpg

from monitoring.bots.chains import Run
from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.capabilities import Capabilities
from monitoring.projections.times import END_OF_TIME, shifted

LAST_BALANCES = """
SELECT CASE WHEN {seen_counts} THEN seen.balance ELSE booked.balance END AS balance,
       CASE WHEN {seen_counts} THEN seen.at ELSE booked.at END AS at
FROM unnest($1::bigint[], $2::timestamp[], $3::timestamp[], $4::timestamp[]) WITH ORDINALITY
     AS wanted (session, since, seen_until, booked_until, number)
LEFT JOIN LATERAL ({booked}) booked ON true
LEFT JOIN LATERAL ({seen}) seen ON true
ORDER BY wanted.number
"""
SEEN_COUNTS = "booked.at IS NULL OR seen.at > booked.at"
BOOKED = """
SELECT total_balance::numeric AS balance, last_updated AS at FROM account_balances
WHERE session_id = wanted.session AND last_updated <= wanted.booked_until AND total_balance <> 'NaN'
ORDER BY last_updated DESC, id DESC LIMIT 1
"""
SEEN = """
SELECT balance::numeric AS balance, timestamp AS at FROM account_history
WHERE session_id = wanted.session AND timestamp >= wanted.since AND timestamp <= wanted.seen_until AND balance <> 'NaN'
ORDER BY timestamp DESC, id DESC LIMIT 1
"""
NOTHING = "SELECT NULL::numeric AS balance, NULL::timestamp AS at"

Pair = tuple[Run, Run]
"""A session, and one that began later."""


@dataclass(frozen=True, slots=True)
class Until:
    """The balance of ``run`` is wanted as it was at some moment; each table has its own."""

    run: Run
    seen: datetime
    booked: datetime


async def balances_at_start(
    connection: asyncpg.Connection, capabilities: Capabilities, pairs: Sequence[Pair]
) -> dict[tuple[int, int], Decimal | None]:
    """By the ids of both, the last balance of the one when the other began."""
    wanted = [Until(earlier, later.session.start, later.session.start) for earlier, later in pairs]
    rows = await _read(connection, capabilities, wanted)
    return {(earlier.id, later.id): row[0] for (earlier, later), row in zip(pairs, rows, strict=True)}


class LastBalances:
    """Called with a pair of sessions it says the last balance of the one when the other began.

    Of any that it does not know yet it says None, and :meth:`read` finds them out: one look at each session is enough
    for all that may go on with it. What the history says more than a minute after a session's end is left out.
    """

    def __init__(self) -> None:
        self._newest: dict[int, tuple[Decimal | None, datetime | None]] = {}
        """Balance and when that was, by id of the session."""
        self._at_start: dict[tuple[int, int], Decimal | None] = {}
        self._unread: dict[int, Run] = {}
        self._unread_pairs: dict[tuple[int, int], Pair] = {}

    def __call__(self, earlier: Run, later: Run) -> Decimal | None:
        if earlier.id not in self._newest:
            self._unread[earlier.id] = earlier
            return None
        balance, at = self._newest[earlier.id]
        if at is None or at <= later.session.start:
            return balance
        pair = earlier.id, later.id
        if pair not in self._at_start:
            self._unread_pairs[pair] = earlier, later
        return self._at_start.get(pair)

    async def read(self, connection: asyncpg.Connection, capabilities: Capabilities) -> bool:
        """Reads what was asked for; False where all was known."""
        runs, pairs = list(self._unread.values()), list(self._unread_pairs.values())
        wanted = [Until(run, shifted(run.ended, MAX_CLOCK_SKEW), END_OF_TIME) for run in runs]
        found = await _read(connection, capabilities, wanted)
        self._newest |= {run.id: row for run, row in zip(runs, found, strict=True)}
        self._at_start |= await balances_at_start(connection, capabilities, pairs)
        self._unread, self._unread_pairs = {}, {}
        return bool(runs or pairs)


async def _read(
    connection: asyncpg.Connection, capabilities: Capabilities, wanted: Sequence[Until]
) -> list[tuple[Decimal | None, datetime | None]]:
    """The balance of each, its initial one where there is none later, and the time of the later one."""
    if not wanted:
        return []
    booked = capabilities.has("account_balances", "id", "session_id", "last_updated", "total_balance")
    seen = capabilities.has("account_history", "id", "session_id", "timestamp", "balance")
    query = LAST_BALANCES.format(
        seen_counts=SEEN_COUNTS, booked=BOOKED if booked else NOTHING, seen=SEEN if seen else NOTHING
    )
    rows = await connection.fetch(
        query,
        [until.run.id for until in wanted],
        [until.run.session.start for until in wanted],
        [until.seen for until in wanted],
        [until.booked for until in wanted],
    )
    return [
        (until.run.session.initial_balance if row["balance"] is None else row["balance"], row["at"])
        for until, row in zip(wanted, rows, strict=True)
    ]
