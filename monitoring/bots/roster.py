"""Reads all sessions, and what must be known of them to find the bots among them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import asyncpg

from monitoring.bots.chains import Chain, Run, chains
from monitoring.bots.current import ended_at
from monitoring.bots.last_balances import LastBalances, balances_at_start
from monitoring.changes.change_set import ChangeSet
from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.capabilities import Capabilities
from monitoring.database.owners import owner
from monitoring.metrics.facts import Flow, Session
from monitoring.metrics.health import limit_seconds
from monitoring.projections import Projections
from monitoring.projections.session_history import rhythm_seconds
from monitoring.projections.snapshots import MAX_BEATS
from monitoring.projections.times import epoch, from_epoch, shifted
from monitoring.scope import read_sessions

SESSIONS = "trading_sessions"
GAP = "balance at a restart"
NEWEST_ROWS = 2000
"""Among how many of the newest rows signs of life are sought while the history is still being read."""

LAST_SIGNS = """
SELECT session_id::bigint AS session_id, max(at) AS at FROM ({sources}) signs
WHERE session_id = ANY($1::bigint[]) AND at <= $2 GROUP BY 1
"""
BEATS = f"""
SELECT session_id::bigint AS session_id, (array_agg(timestamp ORDER BY id DESC))[:{MAX_BEATS}] AS beats
FROM (SELECT id, session_id, timestamp::timestamp FROM account_history ORDER BY id DESC LIMIT {NEWEST_ROWS}) newest
WHERE session_id = ANY($1::bigint[]) GROUP BY 1
"""
SIGN_SOURCES = {
    "account_history": ("timestamp",),
    "strategy_executions": ("timestamp",),
    "trades": ("created_at", "exit_time"),
    "positions": ("last_update",),
    "system_events": ("timestamp",),
}
"""Tables that only a living engine writes, and when it did: in the first of these columns that is known."""
CHAINED_BY = ("account_balances", *SIGN_SOURCES)
"""Tables whose rows decide which sessions are one bot, and what gap is between them."""
CURRENCIES = """
SELECT session, first.currency FROM unnest($1::bigint[]) AS session
CROSS JOIN LATERAL (
    SELECT base_currency::text AS currency FROM account_balances WHERE session_id = session
    ORDER BY last_updated, id LIMIT 1
) first
"""


@dataclass(frozen=True, slots=True)
class Roster:
    """The sessions and bots of one moment."""

    sessions: Mapping[int, Session]
    """Each alone, without its configuration."""
    chains: tuple[Chain, ...]
    chain_of: Mapping[int, Chain]
    """By id of a session."""
    last_balances: Mapping[tuple[int, int], Decimal | None]
    """The last balance of a session when the one that goes on with it began, by the ids of both."""
    earlier: frozenset[int]
    """Sessions before another of the same mode and exchange: where a row leaves them, they may have ended sooner."""
    followed: frozenset[int]
    """Those of them that ended before the other began: a row that comes late counts."""

    def moved_by(self, changes: ChangeSet) -> bool:
        """Whether the rows may make other bots of the sessions, or leave other gaps between them."""
        if SESSIONS in changes.rows or changes.corrected & {SESSIONS, *CHAINED_BY}:
            return True
        rows = [row for table in CHAINED_BY for row in changes.rows.get(table, ())]
        return any(row.session in self.followed or (row.finished and row.session in self.earlier) for row in rows)

    def bot(self, chain: Chain) -> Session:
        """The sessions of a chain as one: its newest, that began with the first."""
        first, newest = chain[0].session, chain[-1].session
        return replace(
            newest,
            id=first.id,
            ids=tuple(run.id for run in chain),
            start=first.start,
            initial_balance=first.initial_balance,
            run_start=newest.start,
            gaps=tuple(gap for earlier, later in pairwise(chain) if (gap := self._gap(earlier, later))),
        )

    def _gap(self, earlier: Run, later: Run) -> Flow | None:
        """What the balance differs by between two sessions; None where that is nothing or unknown."""
        before, after = self.last_balances.get((earlier.id, later.id)), later.session.initial_balance
        if before is None or after is None or not (before.is_finite() and after.is_finite()) or before == after:
            return None
        return Flow(later.session.start, after - before, GAP, after)


async def read_roster(
    connection: asyncpg.Connection, capabilities: Capabilities, projections: Projections, now: datetime
) -> Roster:
    """Raises TableMissing where there are no sessions."""
    sessions = {session.id: session for session in await read_sessions(connection, capabilities)}
    runs = await _runs(connection, capabilities, projections, list(sessions.values()), now)
    found = await _chained(connection, capabilities, runs)
    links = [link for chain in found for link in pairwise(chain)]
    balances = await balances_at_start(connection, capabilities, links)
    chain_of = {run.id: chain for chain in found for run in chain}
    return Roster(sessions, found, chain_of, balances, *_before_others(runs))


def _before_others(runs: Sequence[Run]) -> tuple[frozenset[int], frozenset[int]]:
    """``earlier`` and ``followed`` of a roster."""
    newest = {run.kind: run for run in sorted(runs, key=lambda run: run.order)}
    pairs = [(run, newest[run.kind]) for run in runs]
    earlier = [(run, later) for run, later in pairs if run is not later]
    followed = (run.id for run, later in earlier if run.ended <= shifted(later.session.start, MAX_CLOCK_SKEW))
    return frozenset(run.id for run, _ in earlier), frozenset(followed)


async def _chained(
    connection: asyncpg.Connection, capabilities: Capabilities, runs: Sequence[Run]
) -> tuple[Chain, ...]:
    last_balances = LastBalances()
    while True:
        found = tuple(chains(runs, last_balances))
        if not await last_balances.read(connection, capabilities):
            return found


async def _runs(
    connection: asyncpg.Connection,
    capabilities: Capabilities,
    projections: Projections,
    sessions: Sequence[Session],
    now: datetime,
) -> list[Run]:
    open_ended = [session.id for session in sessions if session.ended(now) is None]
    signs = await _last_signs(connection, capabilities, open_ended, now)
    limits = await _limits(connection, capabilities, projections, open_ended)
    currencies = await _currencies(connection, capabilities, [session.id for session in sessions])

    def run(session: Session) -> Run:
        known = max(session.start, signs.get(session.id, session.start))
        sign = newest_sign(projections, session.id, now, known)
        limit = limits.get(session.id) or _limit(projections, session.id)
        return Run(session, session.ended(now), sign, limit, now - sign > 2 * limit, currencies.get(session.id))

    return [run(session) for session in sessions]


def newest_sign(projections: Projections, session: int, now: datetime, known: datetime) -> datetime:
    """The newest of ``known`` and what the projections saw of a session; a row from the future is no sign of life."""
    record = projections.equity.states.get(session)
    written = from_epoch(record.newest.last[0]) if record is not None and record.newest is not None else None
    seen = (written, projections.positions.last_update([session]))
    return max([known, *(at for at in seen if at is not None and at <= now + MAX_CLOCK_SKEW)])


def _limit(projections: Projections, session: int) -> timedelta:
    record = projections.equity.states.get(session)
    return _limit_of(record.beats if record else ())


def _limit_of(beats: Sequence[float]) -> timedelta:
    return timedelta(seconds=limit_seconds(rhythm_seconds(beats)))


async def _limits(
    connection: asyncpg.Connection, capabilities: Capabilities, projections: Projections, sessions: list[int]
) -> dict[int, timedelta]:
    """By session, from the newest rows, for as long as the projections have not read the history themselves."""
    if projections.equity.complete or not capabilities.has("account_history", "id", "session_id", "timestamp"):
        return {}
    rows = await connection.fetch(BEATS, sessions)
    return {row["session_id"]: _limit_of([epoch(at) for at in sorted(row["beats"])]) for row in rows}


async def _last_signs(
    connection: asyncpg.Connection, capabilities: Capabilities, sessions: list[int], now: datetime
) -> dict[int, datetime]:
    sources = [
        f"(SELECT {_session(capabilities, table)} AS session_id, {_first_known(capabilities, table, columns)} AS at"
        f" FROM {table} ORDER BY id DESC LIMIT {NEWEST_ROWS})"
        for table, columns in SIGN_SOURCES.items()
        if capabilities.has(table, "id", "session_id")
    ]
    if not sources or not sessions:
        return {}
    query = LAST_SIGNS.format(sources=" UNION ALL ".join(sources))
    rows = await connection.fetch(query, sessions, now + MAX_CLOCK_SKEW)
    return {row["session_id"]: row["at"] for row in rows}


def _session(capabilities: Capabilities, table: str) -> str:
    """SQL: the session of which a row is a sign of life; a position that names none is one of its orders' session."""
    return owner(capabilities, table, table) if table == "positions" else "session_id"


def _first_known(capabilities: Capabilities, table: str, columns: Sequence[str]) -> str:
    return f"coalesce({', '.join(capabilities.column(table, name, 'timestamp') for name in columns)})"


async def _currencies(
    connection: asyncpg.Connection, capabilities: Capabilities, sessions: list[int]
) -> dict[int, str]:
    if not capabilities.has("account_balances", "id", "session_id", "last_updated", "base_currency"):
        return {}
    return {row["session"]: row["currency"] for row in await connection.fetch(CURRENCIES, sessions)}


def heard_since(runs: Iterable[Run], projections: Projections, now: datetime) -> bool:
    """Whether one of the runs is silent or not, or over or not, otherwise than as it was read."""
    for run in runs:
        if run.end is None:
            sign = newest_sign(projections, run.id, now, run.last_sign)
            limit = _limit(projections, run.id) if projections.equity.complete else run.limit
            heard = replace(run, end=run.session.ended(now), last_sign=sign, silent=now - sign > 2 * limit)
            if heard.silent != run.silent or (ended_at(heard, now) is None) != (ended_at(run, now) is None):
                return True
    return False
