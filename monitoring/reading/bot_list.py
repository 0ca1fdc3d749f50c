"""What the list of bots says of each: when it ran, and what came of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import asyncpg

from monitoring.bots.chains import Chain
from monitoring.bots.current import ended_at, running_first
from monitoring.database.capabilities import Capabilities
from monitoring.database.source import Source
from monitoring.lru import Lru
from monitoring.metrics.catalogue import CATALOGUE
from monitoring.metrics.facts import Account, Equity, Facts, Session
from monitoring.metrics.health import state
from monitoring.projections import ScopeState
from monitoring.projections.times import midnight
from monitoring.reading.reader import Reader
from monitoring.scope import Scope
from monitoring.scope_key import BotScope
from monitoring.sections.account_rows import read_accounts
from monitoring.sections.books_alert import disagreement
from monitoring.sections.curves import change_since
from monitoring.sections.facts import read_facts_of_ended
from monitoring.sections.metric_list import Figure, Figures
from monitoring.sections.section import Context, Reading

ENDED = "Ended"
TABLES = ("trades", "positions", "account_history", "account_balances")
"""What the row of a bot that has ended is made of: the tables of the projections."""
MAX_KEPT_ROWS = 5000
CHUNK_COUNT = 100
"""Ended bots whose accounts are read by the same queries."""


@dataclass(frozen=True, slots=True)
class BotRow:
    """One bot. Money and counts are None where they are unknown."""

    session: Session
    state: str
    last_update: datetime | None
    equity: Decimal | None
    currency: str | None
    today: Decimal | None
    """Change of equity since 00:00 UTC, deposits and withdrawals taken out; 0 where nothing was written today."""
    total_return: Figure
    max_drawdown: Figure
    trades: Figure
    open_positions: int | None
    books_disagree: bool = False
    """Of one that has ended; of others that is an alert like any."""


@dataclass(frozen=True, slots=True)
class BotPage:
    """Some of all bots, running ones first."""

    rows: Sequence[BotRow]
    total: int


class BotList:
    """Makes rows of bots. Those of ended bots come from memory, and are kept until something of them changes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: Lru[tuple[int, ...], tuple[object, BotRow]] = Lru(MAX_KEPT_ROWS)

    async def page(self, now: datetime, offset: int = 0, limit: int | None = None) -> BotPage:
        """Raises TableMissing, DatabaseUnavailable."""
        roster = await self._reader.roster()
        await self._reader.projections.settle()
        chains = running_first(roster.chains, now)
        shown = chains[offset:] if limit is None else chains[offset : offset + limit]
        bots = [(chain, roster.bot(chain)) for chain in shown]
        ended = [(chain, bot) for chain, bot in bots if ended_at(chain[-1], now) is not None]
        rows = await self._ended_rows(ended, now)
        return BotPage([rows.get(bot.ids) or await self._running(bot) for _, bot in bots], len(chains))

    async def _running(self, bot: Session) -> BotRow:
        return await self._reader.read(Scope(bot, BotScope(bot.id)), _running)

    async def _ended_rows(self, bots: Sequence[tuple[Chain, Session]], now: datetime) -> dict[tuple[int, ...], BotRow]:
        """By ids of their sessions."""
        rows: dict[tuple[int, ...], BotRow] = {}
        missing = []
        for chain, bot in bots:
            kept = self._kept.get(bot.ids)
            if kept is not None and kept[0] == self._version(bot, now):
                rows[bot.ids] = kept[1]
            else:
                missing.append((chain, bot))
        for first in range(0, len(missing), CHUNK_COUNT):
            rows |= await self._read_ended(missing[first : first + CHUNK_COUNT], now)
        return rows

    def _version(self, bot: Session, now: datetime) -> tuple[object, ...]:
        changes = (self._reader.projections.version(table, bot.ids) for table in TABLES)
        return bot, now.date(), self._reader.database.adapted, *changes

    async def _read_ended(self, bots: Sequence[tuple[Chain, Session]], now: datetime) -> dict[tuple[int, ...], BotRow]:
        """Keeps those that are made of all rows."""
        versions = [self._version(bot, now) for _, bot in bots]

        async def load(connection: asyncpg.Connection, capabilities: Capabilities) -> list[tuple[BotRow, bool]]:
            source = Source(connection, capabilities)
            states = [await self._state(source, bot, now) for _, bot in bots]
            readings = [Reading(connection, capabilities, state, now) for state in states]
            accounts = await read_accounts(readings[0], states)
            rows = [
                await _ended(reading, account, chain)
                for reading, account, (chain, _) in zip(readings, accounts, bots, strict=True)
            ]
            return [(row, not state.reading) for row, state in zip(rows, states, strict=True)]

        found = await self._reader.database.ask(load)
        for version, (row, certain) in zip(versions, found, strict=True):
            if certain:
                self._kept.put(row.session.ids, (version, row))
        return {row.session.ids: row for row, _ in found}

    async def _state(self, source: Source, bot: Session, now: datetime) -> ScopeState:
        # There may be thousands: others get their turn between two of them.
        await asyncio.sleep(0)
        return await self._reader.projections.state(source, bot, now, keep=False)


async def _running(context: Context) -> BotRow:
    facts = context.facts
    return _made(facts, context.state, state(facts).word, facts.equity, facts.account.currency)


async def _ended(reading: Reading, account: Account, chain: Chain) -> BotRow:
    facts, state = await read_facts_of_ended(reading, account)
    currency = next((run.currency for run in reversed(chain) if run.currency), None)
    row = _made(facts, state, ENDED, facts.equity, currency)
    return replace(row, books_disagree=disagreement(facts) is not None)


def _made(facts: Facts, state: ScopeState, word: str, equity: Equity | None, currency: str | None) -> BotRow:
    figures = Figures(facts, CATALOGUE)
    return BotRow(
        session=state.session,
        state=word,
        last_update=facts.last_sign,
        equity=equity.amount if equity else None,
        currency=currency,
        today=_today(state, equity, facts.now),
        total_return=figures["total_return"],
        max_drawdown=figures["max_drawdown"],
        trades=figures["total_trades"],
        open_positions=len(state.positions.open_ids) if state.positions.counted else None,
    )


def _today(state: ScopeState, equity: Equity | None, now: datetime) -> Decimal | None:
    since = midnight(now)
    return Decimal(0) if equity is not None and equity.at < since else change_since(state, equity, since).amount
