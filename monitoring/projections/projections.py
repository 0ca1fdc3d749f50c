"""All projections: fed by the change feed, scanned in the background, read by scope."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from monitoring.changes.change_set import ChangeSet, NewRow
from monitoring.changes.snapshot_token import IdCursor
from monitoring.clock import MAX_CLOCK_SKEW, Clock
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.database.source import Source
from monitoring.lru import Lru
from monitoring.metrics.facts import Session
from monitoring.projections.backfill import BackfillWorker
from monitoring.projections.bookings import Bookings, SessionFlows, disturb
from monitoring.projections.bot_risks import BALANCES, oldest_balance
from monitoring.projections.equity import EquityHistory, read_again
from monitoring.projections.equity_curve import EquityCurve
from monitoring.projections.failed_orders import FailedOrders
from monitoring.projections.kept_scope import KeptScope
from monitoring.projections.moves import Kinds, Moves
from monitoring.projections.open_positions import OpenPositions
from monitoring.projections.outside import SessionRows
from monitoring.projections.projected import Projected
from monitoring.projections.scope_equity import ScopeEquity
from monitoring.projections.scope_state import ScopePositions, ScopeSigns, ScopeState, flows_of
from monitoring.projections.session_history import SessionHistory
from monitoring.projections.signs_of_life import TABLES, SignsOfLife
from monitoring.projections.times import BEGIN_OF_TIME, from_epoch
from monitoring.projections.trades import NO_SESSION_ID, ScopeTrades, SessionTrades, TradeTotals, touch, touch_entries

SESSIONS = "trading_sessions"
MAX_KEPT_SCOPES = 64
"""Scopes whose curve is kept; the one looked at longest ago is dropped first."""


class Projections:
    """State of every session, and of the scopes that are asked for."""

    def __init__(self, database: Database, clock: Clock, kinds: Kinds | None = None) -> None:
        self._kinds: Kinds = kinds or {}
        """What the operator says that corrections were."""
        self._trade_totals = TradeTotals()
        self.trades: Projected[SessionTrades] = Projected(self._trade_totals)
        self.flows: Projected[SessionFlows] = Projected(Bookings())
        self.equity: Projected[SessionHistory] = Projected(EquityHistory())
        self.positions = OpenPositions()
        self.failed_orders = FailedOrders(clock)
        self.signs = SignsOfLife()
        self.backfill = BackfillWorker(database, clock, self._scanned)
        self.away: str | None = None
        """Why nobody follows the changes at present: what is known may be behind what is committed."""
        self._kept: Lru[tuple[object, ...], KeptScope] = Lru(MAX_KEPT_SCOPES)
        self._changed: Counter[tuple[str, int | None]] = Counter()
        """How often rows of a table changed that belong to a session, or to none."""
        self._corrected: Counter[str] = Counter()
        """How often old rows of a table changed that nobody can name, or all of them may be others."""
        self._cleared = 0
        self._applied = 0
        """Counts the change sets."""

    @property
    def _scanned(self) -> tuple[Projected[Any], ...]:
        """Quick and needed by others first, the many rows of a long history last."""
        return self.flows, self.trades, self.equity

    @property
    def _all(self) -> tuple[Projected[Any] | OpenPositions | FailedOrders, ...]:
        return *self._scanned, self.positions, self.failed_orders

    @property
    def changes(self) -> int:
        """Counts how often the states became others."""
        return self._applied + self._cleared + sum(projected.generation for projected in self._scanned)

    @property
    def progress(self) -> float:
        """How much of everything has been read, 0 to 1; the history is by far the longest."""
        return 0.1 * self.flows.progress + 0.1 * self.trades.progress + 0.8 * self.equity.progress

    @property
    def scans(self) -> dict[str, float]:
        """Tables that are being read as a whole, and the share that has been."""
        return {projected.table: projected.progress for projected in self._scanned if projected.building}

    @property
    def left_out(self) -> dict[str, int]:
        """How many rows of a table belong to no session, of the tables of which that is known."""
        if self.away is not None or not self.trades.certain:
            return {}
        nobody = self.trades.states.get(NO_SESSION_ID)
        return {self.trades.table: nobody.sums.total.total if nobody else 0}

    async def begin(self, source: Source, cursors: Mapping[str, IdCursor], tables: Iterable[str] | None = None) -> None:
        """Reads tables from their start, all of them where none is named. What is known stands until then."""
        everything, wanted = tables is None, set(tables or ())
        if wanted & {"positions", "orders"}:
            # They say what a trade risked, and to which bot it belongs where it names none.
            wanted.add("trades")
        if wanted & {SESSIONS, *BALANCES}:
            # They say at which balance a trade was entered.
            self.trades.take(touch_entries(BEGIN_OF_TIME))
        if self.flows.table in wanted:
            # A booking tells its own trace in the history from a snapshot.
            wanted.add(self.equity.table)
        if SESSIONS in wanted:
            # The amount of a session's first booking is the difference to its initial balance.
            wanted.add(self.flows.table)
        # A position without a session belongs to that of its orders.
        if everything or wanted & {"positions", "orders"}:
            await self.positions.begin(source, cursors.get("positions"))
        if everything or self.failed_orders.table in wanted:
            await self.failed_orders.begin(source, cursors.get(self.failed_orders.table))
        await self.signs.begin(source, cursors, TABLES if everything else wanted)
        for projected in self._scanned:
            if everything or projected.table in wanted:
                await projected.begin(source, cursors.get(projected.table))
        self.backfill.begin()

    async def take_in(self, source: Source, cursors: Mapping[str, IdCursor], changes: ChangeSet) -> None:
        """Brings everything up to what the feed found. Where it fails it may be called again with the same changes."""
        if changes.rows:
            self.backfill.engine_wrote()
        await self._apply(source, changes.unapplied)
        changes.unapplied = {}
        if await self._trade_totals.lost.moved_by(source, changes):
            changes.corrected.add("trades")
        changes.moved_positions |= self.positions.moved
        self.positions.moved = set()
        if changes.corrected:
            await self.begin(source, cursors, changes.corrected)
        if ranges := changes.ranges.get(self.equity.table):
            await read_again(self.equity, source, ranges)
            await self.signs.begin(source, cursors, {self.equity.table})
            self.trades.take(touch_entries(BEGIN_OF_TIME))
        if "orders" in changes.rows.keys() | changes.corrected_tables and self.positions.lost_ids:
            lost = [NewRow(number, None, is_new=False) for number in self.positions.lost_ids]
            changes.rows.setdefault("positions", []).extend(lost)
        # Last: what is read before the states are others must not count as read after it.
        for table, rows in changes.rows.items():
            self._changed.update({(table, row.session) for row in rows})
        self._corrected.update(changes.corrected_tables)
        self._applied += 1

    async def _apply(self, source: Source, changed: Mapping[str, Collection[int]]) -> None:
        if changed.get("orders") and self.positions.lost_ids:
            changed = {**changed, "positions": {*changed.get("positions", ()), *self.positions.lost_ids}}
        parts = [part for part in self._all if changed.get(part.table)]
        # All that can fail comes first: nothing is taken in twice.
        takes = [await part.read(source, sorted(changed[part.table])) for part in parts]
        touched, oldest = await self._touched_positions(source, changed), await self._balances_since(source, changed)
        takes.append(await self.signs.read(source, changed))
        for take in takes:
            take()
        if touched:
            self.trades.take(touch(touched))
        if oldest is not None:
            self.trades.take(touch_entries(oldest))
        self.flows.take(disturb(changed.get(SESSIONS, ())))
        if changed.get(self.flows.table):
            self._look_at_bookings()

    def _look_at_bookings(self) -> None:
        """A booking tells outliers from losses."""
        for number, flows in self.flows.states.items():
            if flows.touched and number in self.equity.states:
                self.equity.states[number].booked({at.date() for at in flows.touched})
            flows.touched = set()

    async def _balances_since(self, source: Source, changed: Mapping[str, Collection[int]]) -> datetime | None:
        """Since when balances became others, where the risk of a trade may depend on that."""
        depends = any(state.columns.any_needs_balance for state in self.trades.states.values())
        if not depends and not self.trades.building:
            return None
        return BEGIN_OF_TIME if changed.get(SESSIONS) else await oldest_balance(source, changed)

    async def _touched_positions(self, source: Source, changed: Mapping[str, Collection[int]]) -> list[int]:
        """The positions that changed, or whose orders did, and that trades name."""
        positions = set(changed.get("positions", ()))
        if changed.get("orders") and source.capabilities.has("orders", "position_id"):
            query = "SELECT DISTINCT position_id FROM orders WHERE id = ANY($1::bigint[]) AND position_id IS NOT NULL"
            positions.update(row["position_id"] for row in await source.connection.fetch(query, changed["orders"]))
        # Of trades that are being read it is not known yet which they name.
        return list(positions) if self.trades.building else self._trade_totals.positions.among(positions)

    def version(self, table: str, sessions: tuple[int, ...]) -> tuple[int, ...]:
        """Differs whenever rows of a table changed that belong to one of the sessions, or to none."""
        scans = sum(projected.generation for projected in self._scanned if projected.table == table)
        others = self._corrected[table] + self._cleared + scans
        return others, *(self._changed[table, owner] for owner in (None, *sessions))

    def clear(self) -> None:
        """The database is another one: nothing that is known holds."""
        self._cleared += 1
        for part in (*self._all, self.signs):
            part.clear()
        self._kept.clear()

    @property
    def writing_sessions(self) -> frozenset[int]:
        """Sessions that ever wrote, as far as is known."""
        return self.signs.sessions | self.equity.states.keys()

    def last_sign(self, sessions: Collection[int], until: datetime) -> datetime | None:
        """When one of the sessions last wrote, as far as that is not later than ``until``."""
        found = [self.signs.newest(sessions, until), self.positions.last_update(sessions, until)]
        # Of one that fell silent long ago, so that others wrote thousands of rows since.
        days = (record.newest for number in sessions if (record := self.equity.states.get(number)))
        found += [from_epoch(day.last[0]) for day in days if day is not None]
        return max((at for at in found if at is not None and at <= until), default=None)

    async def state(self, source: Source, session: Session, now: datetime, *, keep: bool = True) -> ScopeState:
        """What is known of a scope; ``keep``: it will be asked for again. Raises DatabaseUnavailable."""
        if self.away is not None:
            raise DatabaseUnavailable(self.away)
        kept = self._keep(session) if keep else KeptScope.of(session)
        changes, until = self.changes, now + MAX_CLOCK_SKEW
        await self._settle_trades(source, session)
        flows = await flows_of(source, self.flows.states, session) if self.flows.complete else None
        moves = None if flows is None else Moves.of(flows, session.gaps, self._kinds)
        curve = await self._curve(source, kept.equity, now, moves)
        return ScopeState(
            session=session,
            trades=await self._trades_of(source, kept, session),
            positions=self._positions_of(session),
            signs=(signs := self._signs_of(session, until)),
            fell_silent=signs.fell_silent(session, now),
            limit_seconds=self.signs.limit_seconds(session.ids, session.timeframe, until),
            flows=flows or (),
            failed_orders=self.failed_orders.ids,
            history=curve,
            rows={n: SessionRows(self.trades.states.get(n), self.equity.states.get(n)) for n in session.ids},
            reading=any(part.readable(source.capabilities) for part in self._scanned if not part.certain),
            progress=self.progress,
            changes=changes,
        )

    async def curve_read_otherwise(self, source: Source, state: ScopeState, now: datetime) -> EquityCurve | None:
        """The curve if every correction that the operator has not named was the other thing that it may have been.

        One that takes money was a withdrawal then, one that adds was a result. None where there is none.
        """
        session, flows = state.session, state.flows
        amounts: dict[int | str, Decimal] = {flow.id: flow.amount for flow in flows if flow.correction}
        amounts |= {gap.id: gap.initial - gap.last for gap in session.gaps if gap.initial != gap.last}
        others = {name: "withdrawal" if amount < 0 else "result" for name, amount in amounts.items()}
        if self._kinds.keys() >= others.keys() or not state.history.flows_known:
            return None
        moves = Moves.of(flows, session.gaps, {**others, **self._kinds})
        return await self._curve(source, KeptScope.of(session).equity, now, moves)

    async def _curve(self, source: Source, equity: ScopeEquity, now: datetime, moves: Moves | None) -> EquityCurve:
        if not self.equity.readable(source.capabilities):
            return EquityCurve.unknown()
        return await equity.curve(source, now, self.equity.states if self.equity.complete else None, moves)

    async def _settle_trades(self, source: Source, session: Session) -> None:
        for number in session.ids:
            if trades := self.trades.states.get(number):
                await trades.settle(source)

    def _positions_of(self, session: Session) -> ScopePositions:
        return ScopePositions(self.positions.ids(session.ids), self.positions.complete)

    def _signs_of(self, session: Session, until: datetime) -> ScopeSigns:
        return ScopeSigns(self.last_sign(session.ids, until), self.last_sign([session.newest], until))

    async def _trades_of(self, source: Source, kept: KeptScope, session: Session) -> ScopeTrades:
        found = {number: self.trades.states[number] for number in session.ids if number in self.trades.states}
        states, generation = list(found.values()), self.trades.generation
        tables = await kept.risks.tables(source, session.ids, found, generation)
        return ScopeTrades(
            kept.trades.of(states, generation),
            tables,
            self.trades.complete,
            self.trades.certain,
            kept.trades.risk(states, tables.values(), generation),
        )

    def _keep(self, session: Session) -> KeptScope:
        key = session.ids, session.initial_balance
        return self._kept.get(key) or self._kept.put(key, KeptScope.of(session))

    async def settle(self) -> None:
        """Waits for scans that will soon be done, though not for a database that is away."""
        if self.away is None:
            await self.backfill.settle()
