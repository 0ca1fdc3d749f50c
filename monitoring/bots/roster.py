"""Reads all sessions, and what must be known of them to find the bots among them."""

from collections.abc import Mapping, Sequence
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
from monitoring.metrics.facts import Session, Span
from monitoring.metrics.money import Gap
from monitoring.metrics.rhythm import OFFLINE_FACTOR
from monitoring.projections import Projections, signs_of_life
from monitoring.projections.times import shifted
from monitoring.scope import read_sessions

SESSIONS = "trading_sessions"
CHAINED_BY = frozenset({"account_balances", "positions"}) | signs_of_life.TABLES
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
    runs: tuple[Run, ...]
    """Each session alone."""
    chains: tuple[Chain, ...]
    """The newest of each has the signs of life and the limit of the whole bot."""
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
        if SESSIONS in changes.rows or changes.corrected_tables & {SESSIONS, *CHAINED_BY}:
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
            of_bot=tuple(Span(run.id, run.session.start, run.session.end) for run in chain),
            gaps=tuple(gap for earlier, later in pairwise(chain) if (gap := self._gap(earlier, later))),
        )

    def _gap(self, earlier: Run, later: Run) -> Gap | None:
        """What the balance differs by between two sessions; None where that is unknown."""
        before, after = self.last_balances.get((earlier.id, later.id)), later.session.initial_balance
        if before is None or after is None or not (before.is_finite() and after.is_finite()):
            return None
        return Gap(later.id, earlier.id, later.session.start, before, after)


async def read_roster(
    connection: asyncpg.Connection, capabilities: Capabilities, projections: Projections, now: datetime
) -> Roster:
    """Raises TableMissing where there are no sessions."""
    sessions = {session.id: session for session in await read_sessions(connection, capabilities)}
    runs = await _runs(connection, capabilities, projections, list(sessions.values()), now)
    chained = await _chained(connection, capabilities, runs)
    found = tuple((*chain[:-1], newest_run(projections, chain, now)) for chain in chained)
    links = [link for chain in found for link in pairwise(chain)]
    balances = await balances_at_start(connection, capabilities, links)
    chain_of = {run.id: chain for chain in found for run in chain}
    return Roster(sessions, tuple(runs), found, chain_of, balances, *_before_others(runs))


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
    currencies = await _currencies(connection, capabilities, [session.id for session in sessions])
    sessions_alone = (Run(one, None, one.start, silent=False, currency=currencies.get(one.id)) for one in sessions)
    return [_run_now(projections, run, now, [run.id]) for run in sessions_alone]


def newest_run(projections: Projections, chain: Chain, now: datetime) -> Run:
    """The newest session of a bot as it stands now: rows of its earlier ones are signs of life as well."""
    return _run_now(projections, chain[-1], now, [run.id for run in chain])


def _run_now(projections: Projections, run: Run, now: datetime, sessions: Sequence[int]) -> Run:
    """Whether one that has ended is silent does not matter. ``sessions``: whose rows are signs of its life."""
    session, ended, until = run.session, run.session.ended(now), now + MAX_CLOCK_SKEW
    if ended is not None:
        return replace(run, end=ended, last_sign=ended, silent=True)
    sign = max(session.start, projections.last_sign(sessions, until) or session.start)
    limit = timedelta(seconds=projections.signs.limit_seconds(sessions, session.timeframe, until))
    return replace(run, end=None, last_sign=sign, silent=now - sign > OFFLINE_FACTOR * limit)


async def _currencies(
    connection: asyncpg.Connection, capabilities: Capabilities, sessions: list[int]
) -> dict[int, str]:
    if not capabilities.has("account_balances", "id", "session_id", "last_updated", "base_currency"):
        return {}
    return {row["session"]: row["currency"] for row in await connection.fetch(CURRENCIES, sessions)}


def heard_since(roster: Roster, projections: Projections, now: datetime) -> bool:
    """Whether a session or a bot is silent or not, or over or not, otherwise than as it was read."""
    alone = ((run, _run_now(projections, run, now, [run.id])) for run in roster.runs if run.end is None)
    bots = ((chain[-1], newest_run(projections, chain, now)) for chain in roster.chains if chain[-1].end is None)
    return any(_changed(before, after, now) for before, after in (*alone, *bots))


def _changed(before: Run, after: Run, now: datetime) -> bool:
    return before.silent != after.silent or (ended_at(before, now) is None) != (ended_at(after, now) is None)
